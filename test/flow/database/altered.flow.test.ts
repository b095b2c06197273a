import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EventTopic } from "../../../src/event/schemas.ts";
import { Connection } from "../../../src/table/connection.ts";
import { ConnectionSlot } from "../../../src/table/pool/slot.ts";
import { startConsuming } from "../../support/landing.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import { idOf, performance, prediction, symbol, tick } from "../../support/samples.ts";
import { openTapeWithSymbol, type Row, type TestTape } from "../../support/tape.ts";

let tape: TestTape;
let published = 0;

beforeAll(async () => {
  tape = await openTapeWithSymbol();
  await tape.query("CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'");
  await tape.query("CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$");
});
afterAll(() => tape.stop());

const count = async (table: string) => (await tape.query<{ n: number }>(`SELECT count(*) AS n FROM ${table}`))[0]!.n;
const nextTick = () => tape.publish("ticks", tick(published++));
const nextPrediction = (more: object = {}) => tape.publish("predictions", prediction(published++, more));
/** The samples' symbol with something new about it. */
const revise = () => tape.publish("symbols", symbol({ exchange: `X${published++}`, revised_at: Date.now() * 1000 }));
const garbage = () => tape.raw("ticks", [{ value: Buffer.from("no event") }]);

async function repeatTick(): Promise<void> {
  await tape.publishAll("ticks", [tick(published), tick(published), tick(published + 1)]);
  published += 2;
}

describe("a trigger that swallows what it is given", () => {
  const cases: readonly [string, string, EventTopic, () => Promise<unknown>][] = [
    ["public.market_data_tick", "INSERT", "ticks", nextTick],
    ["public.market_data_tick", "INSERT", "ticks", repeatTick],
    ["public.symbol", "INSERT", "symbols", () => tape.publish("symbols", symbol({ symbol_id: idOf("new") }))],
    ["public.symbol", "UPDATE", "symbols", revise],
    ["public.symbol_revision", "INSERT", "symbols", revise],
    ["public.model_prediction", "INSERT", "predictions", nextPrediction],
    ["public.audit_log", "INSERT", "audit", () => nextPrediction().then(() => tape.land("predictions"))],
    ["tradetape.dead_letter", "INSERT", "ticks", garbage],
    ["tradetape.parked_event", "INSERT", "predictions", () => nextPrediction({ symbol_id: idOf("late") })],
    ["tradetape.outbox", "INSERT", "predictions", nextPrediction],
    ["tradetape.landed_batch", "INSERT", "predictions", nextPrediction],
  ];

  test.each(cases)(
    "of %s on %s stops the group of %s, and all lands once it is gone",
    async (table, deed, topic, give) => {
      await give();
      const before = [await count(table), await count("tradetape.landed_batch")];
      await tape.query(`CREATE TRIGGER odd BEFORE ${deed} ON ${table} FOR EACH ROW EXECUTE FUNCTION swallow()`);
      const landing = tape.land(topic);
      await expect(landing).rejects.toMatchObject({
        code: "rows_swallowed",
        message: expect.stringContaining(table.replace("public.", "")),
      });
      expect([await count(table), await count("tradetape.landed_batch")]).toEqual(before);
      await tape.query(`DROP TRIGGER odd ON ${table}`);
      await tape.land(topic);
    },
  );

  test("leaves a whole ledger", async () => {
    await tape.land("audit");
    expect(await ledgerFaults(tape)).toEqual([]);
  });
});

describe("columns that somebody added", () => {
  test.each<[string, EventTopic, () => Promise<unknown>]>([
    ["market_data", "ticks", nextTick],
    ["market_data", "ticks", repeatTick],
    ["symbol", "symbols", () => tape.publish("symbols", symbol({ symbol_id: idOf("newer") }))],
    ["model_prediction", "predictions", nextPrediction],
    ["audit_log", "audit", async () => {}],
  ])("to %s, nullable, defaulted or generated, don't keep %s from landing", async (table, topic, give) => {
    await give();
    const columns = [
      "note_null text",
      "note_default text NOT NULL DEFAULT 'x'",
      "note_made bigint NOT NULL GENERATED ALWAYS AS (7 + 1) STORED",
    ];
    const tables = table === "symbol" ? [table, "symbol_revision"] : [table];
    for (const name of tables) for (const column of columns) await tape.query(`ALTER TABLE ${name} ADD ${column}`);
    try {
      const tally = (await tape.land(topic))[topic];
      expect(tally.dead + tally.parked).toBe(0);
      expect(tally.written).toBeGreaterThan(0);
      if (topic !== "ticks") return;
      await tape.publish("ticks", tick(published++, { timestamp: (Date.now() - 86_400_000 * published) * 1000 }));
      expect((await tape.land("ticks")).ticks).toMatchObject({ written: 1, dead: 0 });
    } finally {
      for (const name of tables)
        for (const column of columns) await tape.query(`ALTER TABLE ${name} DROP ${column.split(" ")[0]}`);
    }
  });
});

/** What a start says. */
const refusal = (...topics: EventTopic[]) => expect(tape.land(...topics)).rejects;

describe("what would stop a landing later", () => {
  test("a partition in the way of days to come is told at the start", async () => {
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
    await tape.query(
      `CREATE TABLE years PARTITION OF public.market_data_tick FOR VALUES FROM ('${tomorrow}') TO ('9999-01-01')`,
    );
    await refusal("ticks").toMatchObject({ code: "catalog_mismatch", message: expect.stringContaining("overlap") });
    await tape.query("DROP TABLE years");
    await tape.land("ticks");
  });

  test("row security is told at the start, of the table itself, of a parent and of the bookkeeping", async () => {
    for (const table of ["public.model_prediction", "public.symbol", "tradetape.dead_letter"]) {
      await tape.query(`ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY`);
      const name = expect.stringContaining(`${table.replace("public.", "")}: row security`);
      await refusal("predictions").toMatchObject({ code: "catalog_mismatch", message: name });
      const reader = await Connection.open(tape.config.databaseUrl, { name: "test", role: "tradetape_reader" });
      await expect(reader.query(`SELECT count(*) FROM ${table}`)).rejects.toMatchObject({ code: "permission_denied" });
      await reader.close();
      await tape.query(`ALTER TABLE ${table} DISABLE ROW LEVEL SECURITY`);
    }
    await tape.land("predictions");
  });
});

/** What ALTER DATABASE may give every session. */
const ODD = {
  DateStyle: "'German, DMY'",
  TimeZone: "'Asia/Kolkata'",
  IntervalStyle: "'iso_8601'",
  standard_conforming_strings: "off",
  default_transaction_isolation: "'serializable'",
  statement_timeout: "'10min'",
  idle_in_transaction_session_timeout: "'10min'",
  row_security: "on",
  search_path: "'nowhere'",
} as const;

describe("sessions", () => {
  const alter = async (change: (name: string) => string) => {
    const [row] = await tape.query<{ name: string }>("SELECT quote_ident(current_database()) AS name");
    for (const name of Object.keys(ODD)) await tape.query(`ALTER DATABASE ${row!.name} ${change(name)}`);
  };

  test("land by their own settings, whatever ALTER DATABASE says", async () => {
    for (let n = 0; n < 5; n++) await nextTick();
    await alter((name) => `SET ${name} = ${ODD[name as keyof typeof ODD]}`);
    try {
      expect((await tape.land("ticks")).ticks).toMatchObject({ written: 5, dead: 0 });
      const session = await Connection.open(tape.config.databaseUrl, { name: "test", role: "tradetape_lander" });
      const found = await session.query<{ name: string; setting: string }>(
        "SELECT name, setting FROM pg_settings WHERE name = ANY ($1)",
        [Object.keys(ODD)],
      );
      await session.close();
      expect(Object.fromEntries(found.map(({ name, setting }) => [name, setting]))).toEqual({
        DateStyle: "ISO, MDY",
        TimeZone: "UTC",
        IntervalStyle: "postgres",
        standard_conforming_strings: "on",
        default_transaction_isolation: "read committed",
        statement_timeout: "0",
        idle_in_transaction_session_timeout: "0",
        row_security: "off",
        search_path: "public",
      });
    } finally {
      await alter((name) => `RESET ${name}`);
    }
  });

  test("are opened anew after a fault that may be their own, so that what was mended heals them", async () => {
    const slot = new ConnectionSlot(tape.config.databaseUrl, { name: "test heal", role: "tradetape_lander" });
    const pid = () => slot.use(async (session) => session.pid);
    const before = await pid();
    const change = (session: Connection) =>
      session.query("SET default_transaction_read_only = on").then(() => session.run("DELETE FROM tradetape.outbox"));
    await expect(slot.use(change)).rejects.toMatchObject({ code: "25006" });
    expect(await pid()).not.toBe(before);
    await slot.use((session) => session.run("DELETE FROM tradetape.outbox WHERE false"));
    await slot.close();
  });

  test("wait while the database takes no writes, and go on by themselves", async () => {
    const [row] = await tape.query<Row>("SELECT quote_ident(current_database()) AS name");
    const stop = new AbortController();
    const before = await count("public.market_data_tick");
    const landing = tape.landWith(["ticks"], { stop: stop.signal, untilCaughtUp: false });
    await nextTick();
    await expect.poll(() => count("public.market_data_tick")).toBe(before + 1);
    await tape.query(`ALTER DATABASE ${row!.name} SET default_transaction_read_only = on`);
    await tape.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND application_name LIKE 'tradetape/%'`,
    );
    await nextTick();
    const refused = `pg_stat_activity WHERE datname = current_database() AND application_name LIKE '%landing%'`;
    await expect.poll(() => count(refused)).not.toBe(0);
    await tape
      .query("SET default_transaction_read_only = off")
      .then(() => tape.query(`ALTER DATABASE ${row!.name} RESET default_transaction_read_only`));
    await Promise.race([expect.poll(() => count("public.market_data_tick")).toBe(before + 2), landing]);
    stop.abort();
    expect((await landing).ticks).toMatchObject({ written: 2, dead: 0 });
  });
});

describe("a group that is opened anew", () => {
  const dead = () => count(`tradetape.dead_letter WHERE topic = '${tape.name("performance")}'`);
  const nextWindow = () => tape.publish("performance", performance(published++));
  const tables = ["strategy_performance", "strategy_performance_revision"];
  const toType = (type: string) => tables.map((table) => `ALTER TABLE ${table} ALTER total_trades TYPE ${type}`);

  // A stage is made like its table and stays in its session, which all groups of the process share.
  test.each([
    {
      what: "a CHECK that was dropped",
      before: ["ALTER TABLE strategy_performance ADD CONSTRAINT odd CHECK (total_trades > 100)"],
      change: ["ALTER TABLE strategy_performance DROP CONSTRAINT odd"],
    },
    { what: "a column of another type that fits", before: [], change: toType("smallint") },
  ])("finds its table as it is, not as the sessions of the process knew it: $what", async ({ before, change }) => {
    for (const statement of before) await tape.query(statement);
    const done = async () => (await count("strategy_performance")) + (await dead());
    const doneBefore = await done();
    // One session to land on, so that the same one is used again; and another group, since a process whose groups are all
    // stopped ends.
    const consuming = await startConsuming({ ...tape.config, databaseSessionsMax: 5 }, ["performance", "symbols"]);
    await nextWindow();
    await expect.poll(done).toBe(doneBefore + 1);
    const [rows, letters] = [await count("strategy_performance"), await dead()];
    await tape.query("CREATE TRIGGER no BEFORE INSERT ON tradetape.landed_batch FOR EACH ROW EXECUTE FUNCTION fail()");
    await nextWindow();
    await expect.poll(() => consuming.stateOf("performance")?.state).toBe("stopped");
    for (const statement of change) await tape.query(statement);
    await tape.query("DROP TRIGGER no ON tradetape.landed_batch");
    await expect.poll(() => count("strategy_performance")).toBe(rows + 1);
    expect(await dead()).toBe(letters);
    await consuming.stop();
  });
});

describe("a receipt that is told a second time", () => {
  const letters = () => count(`tradetape.dead_letter WHERE topic = '${tape.name("audit")}'`);

  test("by a database that had lost its last commits is no conflict, and one of other content is", async () => {
    await nextTick();
    await tape.land("ticks");
    await tape.land("audit");
    const topic = tape.name("ticks");
    const [last] = await tape.query(
      `SELECT partition, first_offset AS first, seq FROM tradetape.landed_batch WHERE topic = $1 AND read = 1
       ORDER BY landed_at DESC LIMIT 1`,
      [topic],
    );
    const at = [topic, last!.partition];
    await tape.query("DELETE FROM public.market_data_tick WHERE trade_id = $1", [tick(published - 1).trade_id]);
    await tape.query("DELETE FROM tradetape.landed_batch WHERE topic = $1 AND partition = $2 AND seq = $3", [
      ...at,
      last!.seq,
    ]);
    await tape.query(
      "UPDATE tradetape.landed_offset SET next_offset = $3, last_offset = NULL WHERE topic = $1 AND partition = $2",
      [...at, last!.first],
    );
    expect((await tape.land("ticks")).ticks).toMatchObject({ written: 1 });
    expect((await tape.land("audit")).audit).toMatchObject({ dead: 0, duplicate: 1 });
    const before = await letters();
    const [entry] = await tape.query(
      `SELECT log_id, event_type, actor, success, source_topic, source_partition::int, source_offset::int,
         '{"other": true}' AS payload, (extract(epoch FROM "timestamp") * 1000000)::bigint AS timestamp
       FROM public.audit_log WHERE event_type = 'RECEIPT' ORDER BY seq DESC LIMIT 1`,
    );
    await tape.raw("audit", [
      { value: await tape.encode("audit", { ...entry!, timestamp: Number(entry!.timestamp) }) },
    ]);
    expect((await tape.land("audit")).audit).toMatchObject({ dead: 1 });
    expect(await letters()).toBe(before + 1);
  });
});
