import snappy from "snappy";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { CONSUMERS } from "../../../consumers/all.ts";
import { dayColumnOf } from "../../../src/batch/consumer.ts";
import { TradetapeError } from "../../../src/errors.ts";
import type { EventTopic } from "../../../src/event/schemas.ts";
import { Connection } from "../../../src/table/connection.ts";
import { checkCatalog } from "../../../src/table/rows/catalog.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import { idOf, indicator, prediction, symbol, tick } from "../../support/samples.ts";
import { COMPRESSION, openTapeWithSymbol, type TestTape } from "../../support/tape.ts";

let tape: TestTape;

beforeAll(async () => {
  tape = await openTapeWithSymbol();
});
afterAll(() => tape.stop());

/** What a landing fails with. */
async function failure(...topics: EventTopic[]): Promise<TradetapeError> {
  const error = await tape.land(...topics).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(TradetapeError);
  return error as TradetapeError;
}

const count = async (table: string) => (await tape.query<{ n: number }>(`SELECT count(*) AS n FROM ${table}`))[0]!.n;

describe("compressed batches", () => {
  test.each(["gzip", "snappy", "lz4", "zstd"] as const)("land when a producer packs them with %s", async (codec) => {
    const before = await count("public.market_data_tick");
    const events = Array.from({ length: 50 }, (_, n) => tick(before + n));
    const values = await Promise.all(events.map((event) => tape.encode("ticks", event)));
    await tape.raw(
      "ticks",
      values.map((value) => ({ value })),
      COMPRESSION[codec],
    );
    expect((await tape.land("ticks")).ticks).toMatchObject({ read: 50, written: 50 });
  });

  test("land when snappy comes as one raw block, as librdkafka packs it", async () => {
    const { default: kafkajs } = await import("kafkajs");
    const { CompressionCodecs, CompressionTypes } = kafkajs;
    const own = CompressionCodecs[CompressionTypes.Snappy]!;
    // The consumer's side stays ours: only what this producer writes is another framing.
    CompressionCodecs[CompressionTypes.Snappy] = () => ({
      ...own(),
      compress: ({ buffer }: { buffer: Buffer }) => snappy.compress(buffer),
    });
    try {
      const value = await tape.encode("ticks", tick(100_000));
      await tape.raw("ticks", [{ value }], COMPRESSION.snappy);
    } finally {
      CompressionCodecs[CompressionTypes.Snappy] = own;
    }
    expect((await tape.land("ticks")).ticks).toMatchObject({ read: 1, written: 1 });
  });
});

const ON = "technical_indicator_key ON public.technical_indicator";
/** Indexes by which repeats would land twice, or not at all, and what makes each. */
const OTHER_KEYS = [
  [
    "is gone, and stands over another schema's table of that name",
    `CREATE SCHEMA other; CREATE TABLE other.technical_indicator (LIKE public.technical_indicator);
     CREATE UNIQUE INDEX technical_indicator_key ON other.technical_indicator (symbol_id, "timestamp", indicator_id)`,
  ],
  ["has a column more", `CREATE UNIQUE INDEX ${ON} (symbol_id, "timestamp", indicator_id, computed_by)`],
  ["has a column less", `CREATE UNIQUE INDEX ${ON} (symbol_id, "timestamp")`],
  ["has another column", `CREATE UNIQUE INDEX ${ON} (symbol_id, "timestamp", computed_by)`],
  ["only includes a column", `CREATE UNIQUE INDEX ${ON} (symbol_id, "timestamp") INCLUDE (indicator_id)`],
  ["has an expression", `CREATE UNIQUE INDEX ${ON} (symbol_id, "timestamp", indicator_id, (period + 1))`],
  ["is partial", `CREATE UNIQUE INDEX ${ON} (symbol_id, "timestamp", indicator_id) WHERE period > 5`],
  ["isn't unique", `CREATE INDEX ${ON} (symbol_id, "timestamp", indicator_id)`],
  [
    "isn't valid, as after a CREATE INDEX CONCURRENTLY that failed",
    `CREATE UNIQUE INDEX ${ON} (symbol_id, "timestamp", indicator_id);
     UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'public.technical_indicator_key'::regclass`,
  ],
  [
    "is deferrable",
    `ALTER TABLE public.technical_indicator ADD CONSTRAINT technical_indicator_key
       UNIQUE (symbol_id, "timestamp", indicator_id) DEFERRABLE`,
  ],
] as const;

describe("a table that doesn't fit its event", () => {
  test.each([
    [
      "a column of another type",
      "DROP VIEW public.lineage; ALTER TABLE public.technical_indicator ALTER indicator_value TYPE real",
      "ALTER TABLE public.technical_indicator ALTER indicator_value TYPE double precision",
      ["technical_indicator.indicator_value", "float8", "float4"],
    ],
    [
      "a column that is missing",
      "ALTER TABLE public.technical_indicator RENAME computed_by TO made_by",
      "ALTER TABLE public.technical_indicator RENAME made_by TO computed_by",
      ["technical_indicator.computed_by", "text"],
    ],
    [
      "a column that the event has not",
      `ALTER TABLE public.technical_indicator ADD extra integer NOT NULL DEFAULT 7;
       ALTER TABLE public.technical_indicator ALTER extra DROP DEFAULT`,
      "ALTER TABLE public.technical_indicator DROP extra",
      ["technical_indicator.extra", "int4"],
    ],
    [
      "a column that may not be null",
      "ALTER TABLE public.technical_indicator ALTER period SET NOT NULL",
      "ALTER TABLE public.technical_indicator ALTER period DROP NOT NULL",
      ["technical_indicator.period", "null"],
    ],
    ...OTHER_KEYS.map(([index, instead]): [string, string, string, string[]] => [
      `a key's index that ${index}`,
      `DROP INDEX public.technical_indicator_key; ${instead}`,
      `ALTER TABLE public.technical_indicator DROP CONSTRAINT IF EXISTS technical_indicator_key;
       DROP INDEX IF EXISTS public.technical_indicator_key;
       CREATE UNIQUE INDEX technical_indicator_key ON public.technical_indicator (symbol_id, "timestamp", indicator_id)`,
      ["technical_indicator: no unique index on (symbol_id, timestamp, indicator_id)"],
    ]),
  ])("by %s stops before the first row, naming what differs, whatever else runs", async (_, alter, restore, names) => {
    await tape.publish("indicators", indicator(await count("public.technical_indicator")));
    const before = await count("public.technical_indicator");
    await tape.query(alter);
    const error = await failure("symbols", "indicators");
    await tape.query(restore);
    expect(error.code).toBe("catalog_mismatch");
    for (const name of names) expect(error.message).toContain(name);
    expect(await count("public.technical_indicator")).toBe(before);
    expect((await tape.land("indicators")).indicators).toMatchObject({ read: 1, written: 1 });
  });
});

describe("a table without a key", () => {
  let connection: Connection;
  beforeAll(async () => {
    connection = await Connection.open(tape.config.databaseUrl, { name: "test" });
  });
  afterEach(() => connection.query("ROLLBACK"));
  afterAll(() => connection.close());

  test.each(CONSUMERS)("is refused for $topic, and taken with the key's columns in another order", async (consumer) => {
    const { table, key } = consumer.landing;
    const check = () => checkCatalog(connection, consumer.landing, dayColumnOf(consumer));
    const turned = key.toReversed().map((column) => `"${column}"`);
    await check();
    await connection.query("BEGIN");
    const indexes = await connection.query<{ drop: string }>(
      `SELECT CASE WHEN conname IS NULL THEN format('DROP INDEX %s', indexrelid::regclass)
         ELSE format('ALTER TABLE %s DROP CONSTRAINT %I CASCADE', indrelid::regclass, conname) END AS drop
       FROM pg_index LEFT JOIN pg_constraint ON conindid = indexrelid AND contype IN ('p', 'u')
       WHERE indrelid = $1::regclass AND indisunique`,
      [`public.${table}`],
    );
    for (const { drop } of indexes) await connection.query(drop);
    await expect(check()).rejects.toMatchObject({
      code: "catalog_mismatch",
      message: expect.stringContaining(`${table}: no unique index on (${key.join(", ")})`),
    });
    await connection.query(`CREATE UNIQUE INDEX ON public.${table} (${turned.join(", ")})`);
    await check();
  });
});

describe("roles", () => {
  const refused = (role: string, sql: string) =>
    expect(tape.queryAs(role, sql), sql).rejects.toMatchObject({ code: "42501" });

  test("the lander can add to the audit log, and not alter, delete or empty it", async () => {
    await tape.queryAs("tradetape_lander", "SELECT count(*) FROM public.audit_log");
    for (const sql of [
      "UPDATE public.audit_log SET actor = 'x'",
      "DELETE FROM public.audit_log",
      "TRUNCATE public.audit_log",
    ]) {
      await refused("tradetape_lander", sql);
    }
  });

  test("the lander can't rewrite the ledger, letters or what agents did", async () => {
    const tables = [
      "tradetape.landed_batch",
      "tradetape.dead_letter",
      "public.model_prediction",
      "public.trade_execution",
      "public.market_data_tick",
    ];
    for (const table of tables) {
      await refused("tradetape_lander", `DELETE FROM ${table}`);
      await refused("tradetape_lander", `TRUNCATE ${table}`);
    }
    await refused("tradetape_lander", "DROP TABLE public.audit_log");
    await refused("tradetape_lander", "CREATE TABLE public.mine (x int)");
  });

  test("the reader reads every table and writes none", async () => {
    const tables = await tape.query<{ name: string }>(
      `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname IN ('public', 'tradetape')
       AND tablename !~ '_[0-9]{8}$'`,
    );
    expect(tables.length).toBeGreaterThan(15);
    for (const { name } of tables) {
      await tape.queryAs("tradetape_reader", `SELECT FROM ${name} LIMIT 1`);
      await refused("tradetape_reader", `DELETE FROM ${name}`);
      await refused("tradetape_reader", `TRUNCATE ${name}`);
    }
    await refused("tradetape_reader", "INSERT INTO public.symbol DEFAULT VALUES");
    await refused("tradetape_reader", "SELECT tradetape.make_day('market_data_tick', '2020-01-01')");
  });
});

describe("lost history", () => {
  test("records deleted from the log before they landed stop the group, which names what it expected and found", async () => {
    const predictions = Array.from({ length: 10 }, (_, n) => prediction(n));
    const symbolId = predictions[0]!.symbol_id;
    for (const event of predictions) await tape.publish("predictions", event);
    await tape.land("predictions");
    for (const n of [20, 21, 22, 23]) await tape.publish("predictions", prediction(n));
    const topic = tape.name("predictions");
    const [found] = await tape.query<{ partition: number; next: number }>(
      "SELECT partition, next_offset AS next FROM tradetape.landed_offset WHERE topic = $1 AND next_offset > 0",
      [topic],
    );
    const { partition, next } = found!;
    expect([symbolId, next]).toEqual([symbol().symbol_id, 10]);
    const deleted = [{ partition, offset: "12" }];
    await tape.admin(async (admin) => {
      // kafkajs looks for the leader in metadata that only this call loads.
      await admin.fetchTopicMetadata({ topics: [topic] });
      await admin.deleteTopicRecords({ topic, partitions: deleted });
    });
    const error = await failure("predictions");
    expect(error.code).toBe("history_lost");
    for (const part of [`${topic}/${partition}`, "10", "12"]) expect(error.message).toContain(part);
    expect(await count("public.model_prediction")).toBe(10);
  });

  test("a topic that was made again, and is shorter, stops the group", async () => {
    const topic = tape.name("symbols");
    for (const n of [1, 2, 3]) await tape.publish("symbols", symbol({ symbol_id: idOf(`s${n}`) }));
    await tape.land("symbols");
    await tape.remake("symbols");
    const value = await tape.encode("symbols", symbol({ symbol_id: idOf("new") }));
    await tape.raw("symbols", [{ value }]);
    const error = await failure("symbols");
    expect(error.code).toBe("history_lost");
    for (const part of [`${topic}/0`, "the topic was made again"]) expect(error.message).toContain(part);
    expect(await tape.query("SELECT FROM public.symbol WHERE symbol_id = $1", [idOf("new")])).toEqual([]);
  });

  test("another cluster stops the group", async () => {
    await tape.query("UPDATE tradetape.landed_offset SET cluster_id = 'another' WHERE topic = $1", [
      tape.name("ticks"),
    ]);
    const error = await failure("ticks");
    expect(error.code).toBe("history_lost");
    expect(error.message).toContain("another");
    await tape.query("UPDATE tradetape.landed_offset SET cluster_id = NULL WHERE topic = $1", [tape.name("ticks")]);
  });

  test("leaves the ledger as it was", async () => {
    await tape.land("ticks", "indicators");
    await tape.land("audit");
    const topic = tape.name("symbols");
    expect((await ledgerFaults(tape)).filter((fault) => !fault.startsWith(`${topic}/0: landed up to`))).toEqual([]);
  });
});
