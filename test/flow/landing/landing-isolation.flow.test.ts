import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ticks } from "../../../consumers/ticks.ts";
import type { Rows } from "../../../src/batch/encode/rows.ts";
import { copyIsolated } from "../../../src/batch/write/copy-isolated.ts";
import type { EventTopic } from "../../../src/event/schemas.ts";
import { Connection } from "../../../src/table/connection.ts";
import { checkCatalog } from "../../../src/table/rows/catalog.ts";
import { CopyBuffer } from "../../../src/table/rows/copy-buffer.ts";
import { RowEncoder } from "../../../src/table/rows/row-encoder.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import { idOf, indicator, symbol, tick } from "../../support/samples.ts";
import { COMPRESSION, openTestTape, type TestTape } from "../../support/tape.ts";

let tape: TestTape;

beforeAll(async () => {
  tape = await openTestTape({ letterShareMax: "1" });
});
afterAll(() => tape.stop());

async function landMany(topic: EventTopic, events: readonly object[]) {
  const values = await Promise.all(events.map((event) => tape.encode(topic, event)));
  await tape.raw(
    topic,
    values.map((value) => ({ value })),
  );
  return (await tape.land(topic))[topic];
}

const COUNT = 5000;
/** Every `step`-th tick is one that only the database can refuse. */
const mixed = (base: number, step: number) =>
  Array.from({ length: COUNT }, (_, n) => tick(base + n, n % step === step >> 1 ? { volume: -1 } : {}));

describe("rows that only the database can refuse", () => {
  test("1 of 5,000 becomes one letter, and 4,999 rows land", async () => {
    expect(await landMany("ticks", mixed(0, COUNT))).toMatchObject({ read: COUNT, written: COUNT - 1, dead: 1 });
  });

  test("50 of 5,000 become 50 letters, and 4,950 rows land", async () => {
    expect(await landMany("ticks", mixed(10_000, 100))).toMatchObject({ read: COUNT, written: 4950, dead: 50 });
  });

  test("the first and the last of a batch become letters", async () => {
    const events = Array.from({ length: 10 }, (_, n) => tick(20_000 + n, n % 9 === 0 ? { volume: -1 } : {}));
    expect(await landMany("ticks", events)).toMatchObject({ written: 8, dead: 2 });
  });

  test("a batch of nothing else becomes letters alone", async () => {
    const events = mixed(30_000, 1).slice(0, 500);
    expect(await landMany("ticks", events)).toMatchObject({ read: 500, written: 0, dead: 500 });
  });

  test("a repeat among them doesn't hide them, nor they the repeat", async () => {
    const events = [tick(40_000), tick(40_001, { volume: -1 }), tick(40_000), tick(40_000, { close: 1 }), tick(40_002)];
    expect(await landMany("ticks", events)).toMatchObject({ written: 2, duplicate: 1, dead: 2 });
  });

  test("JSON that is no JSON is found by COPY's line, not by jsonb's own", async () => {
    const events = Array.from({ length: 1000 }, (_, n) => indicator(n, n % 250 === 7 ? { parameters: "{\n\n{" } : {}));
    expect(await landMany("indicators", events)).toMatchObject({ written: 996, dead: 4 });
  });

  test("the ledger of all this is whole", async () => {
    await tape.land("audit");
    expect(await ledgerFaults(tape)).toEqual([]);
  });
});

describe("leaving bad rows out", () => {
  let connection: Connection;
  let rows: (bad: (n: number) => boolean) => Rows;
  const target = { statement: "", relation: "bare" };

  beforeAll(async () => {
    connection = await Connection.open(tape.config.databaseUrl, { name: "test" });
    const columns = await checkCatalog(connection, ticks.landing, ticks.time);
    const names = columns.map(({ name }) => `"${name}"`).join(", ");
    target.statement = `COPY bare (${names}) FROM STDIN (FORMAT binary)`;
    await connection.query("CREATE TEMPORARY TABLE bare (LIKE public.market_data_tick INCLUDING CONSTRAINTS)");
    await connection.query(`ALTER TABLE bare ALTER "interval" DROP NOT NULL`);
    const encoder = new RowEncoder(columns, false);
    rows = (bad) => {
      const out = new CopyBuffer(1024);
      const ends = Array.from({ length: COUNT }, (_, n) => {
        encoder.write(out, tick(n, bad(n) ? { volume: -1 } : {}), {
          published_at: 0,
          source_partition: 0,
          source_offset: n,
        });
        return out.length;
      });
      return { bytes: out.bytes.subarray(0, out.length), ends, indexes: ends.map((_, n) => n) };
    };
  });
  afterAll(() => connection.close());

  /** Statements that COPY, and how many times the rows' bytes went to the server. */
  async function cost(all: Rows) {
    let copies = 0;
    const { client } = connection;
    const original = client.query;
    client.query = function counting(this: typeof client, ...args: unknown[]) {
      if (args[0] instanceof pg.Query) copies++;
      return Reflect.apply(original, this, args);
    } as typeof client.query;
    const socket = client.connection.stream as unknown as { bytesWritten: number };
    const before = socket.bytesWritten;
    await connection.query("BEGIN");
    const result = await copyIsolated(connection, target, all, 0, COUNT);
    await connection.query("ROLLBACK");
    client.query = original;
    if (result === "repeat") throw new Error("a repeat in a table without a key");
    return { ...result, copies, sent: (socket.bytesWritten - before) / all.bytes.length };
  }

  test("costs one statement when there are none", async () => {
    expect(await cost(rows(() => false))).toMatchObject({ copied: COUNT, letters: [], copies: 1 });
  });

  test("names each of 50 in 5,000, with some statements for each and the rows sent a few times", async () => {
    const { letters, copied, copies, sent } = await cost(rows((n) => n % 100 === 42));
    expect(letters.map(({ index }) => index).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 50 }, (_, n) => n * 100 + 42),
    );
    expect(copied).toBe(4950);
    expect(copies).toBeLessThanOrEqual(3 * 50);
    expect(sent).toBeLessThan(6);
  });

  test("sends no row more than about twenty times, however many are bad", async () => {
    const { letters, copies, sent } = await cost(rows(() => true));
    expect([letters.length, copies]).toEqual([COUNT, COUNT]);
    expect(sent).toBeLessThan(20);
  });

  test("halves where an error names no line of the relation", async () => {
    const relation = target.relation;
    Object.assign(target, { relation: "another" });
    const { letters, copied } = await cost(rows((n) => n === 17 || n === 4000));
    Object.assign(target, { relation });
    expect([letters.map(({ index }) => index), copied]).toEqual([[17, 4000], COUNT - 2]);
  });
});

describe("a letter's way out", () => {
  test("is open for an event far larger than any topic takes, as a compressed batch may hold one", async () => {
    const value = Buffer.alloc(12_000_000);
    await tape.raw("symbols", [{ value, key: "k", headers: { note: "n" } }], COMPRESSION.gzip);
    expect((await tape.land("symbols")).symbols).toMatchObject({ read: 1, dead: 1 });
    const [letter] = await tape.query(
      `SELECT reason, value_bytes AS bytes, octet_length(value) AS kept FROM tradetape.dead_letter WHERE topic = $1`,
      [tape.name("symbols")],
    );
    expect(letter).toEqual({ reason: "too_large", bytes: value.length, kept: 1024 });
    const message = (await tape.read("dead-letters")).find(({ key }) => String(key) === `${tape.name("symbols")}/0/0`);
    expect(message?.value).toBe(null);
    expect([String(message?.headers["tradetape-reason"]), String(message?.headers.note)]).toEqual(["too_large", "n"]);
    expect(String(message?.headers["tradetape-value-bytes"])).toBe(String(value.length));
  });

  test("holds many bad events with large headers, more than one request may carry", async () => {
    const padding = Buffer.alloc(20_000, "x");
    const events = Array.from({ length: 100 }, () => ({ value: null, headers: { padding } }));
    for (let n = 0; n < 5; n++) await tape.raw("bars", events);
    expect((await tape.land("bars")).bars).toMatchObject({ read: 500, dead: 500 });
    expect(await tape.query("SELECT FROM tradetape.outbox")).toEqual([]);
  });
});

describe("rows that a unique index beside the key refuses", () => {
  const named = (id: string, ticker: string, more: object = {}) => symbol({ symbol_id: idOf(id), ticker, ...more });

  test("become letters alone, and their neighbours land; so do revisions", async () => {
    await tape.query("CREATE UNIQUE INDEX symbol_by_name ON public.symbol (ticker, exchange)");
    const many = Array.from({ length: 100 }, (_, n) => named(`s${n}`, `T${n}`));
    const taken = [named("other 7", "T7"), named("other 90", "T90")];
    const events = [...many.slice(0, 50), taken[0]!, ...many.slice(50), taken[1]!];
    expect(await landMany("symbols", events)).toMatchObject({ read: 102, written: 100, dead: 2 });
    const again = [named("s1", "T2", { revised_at: Date.now() * 1000 }), named("s3", "T3"), named("new", "NEW")];
    expect(await landMany("symbols", again)).toMatchObject({ read: 3, written: 1, dead: 1 });
    const letters = await tape.query(
      `SELECT ("offset" - min("offset") OVER ())::int AS at, reason, detail FROM tradetape.dead_letter
       WHERE topic = $1 AND sqlstate = '23505' ORDER BY 1`,
      [tape.name("symbols")],
    );
    const refused = { reason: "refused", detail: expect.stringContaining("symbol_by_name") };
    expect(letters).toEqual([0, 51, 52].map((at) => ({ at, ...refused })));
    expect(await ledgerFaults(tape)).toEqual([]);
  });
});
