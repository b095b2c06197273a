import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EventTopic } from "../../../src/event/schemas.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import { bar, idOf, indicator, NOON, prediction, session, symbol, tick } from "../../support/samples.ts";
import { openTapeWithSymbol, type Row, type TestTape } from "../../support/tape.ts";

let tape: TestTape;

beforeAll(async () => {
  tape = await openTapeWithSymbol();
});
afterAll(() => tape.stop());

/** Publishes events as one produce request, so that they are one batch, and lands them. */
async function landBatch(topic: EventTopic, events: readonly object[]) {
  const values = await Promise.all(events.map((event) => tape.encode(topic, event)));
  await tape.raw(
    topic,
    values.map((value) => ({ value })),
  );
  return (await tape.land(topic))[topic];
}

async function landEach(topic: EventTopic, events: readonly object[]) {
  const tallies = [];
  for (const event of events) tallies.push(await landBatch(topic, [event]));
  return tallies;
}

const letters = (topic: EventTopic) =>
  tape.query<{ offset: number; reason: string }>(
    'SELECT "offset", reason FROM tradetape.dead_letter WHERE topic = $1 ORDER BY 1',
    [tape.name(topic)],
  );

async function priceOf(id: string): Promise<unknown> {
  const [row] = await tape.query("SELECT close FROM public.market_data_tick WHERE market_data_id = $1", [id]);
  return row?.close;
}

describe("ticks, predictions and the like: the first event of an id stays", () => {
  test("in one batch an equal repeat is a duplicate, other content is a letter, the first row stays", async () => {
    const tally = await landBatch("ticks", [tick(1), tick(2), tick(1), tick(1, { close: 99 }), tick(3)]);
    expect(tally).toMatchObject({ read: 5, written: 3, duplicate: 1, dead: 1 });
    expect(await priceOf(tick(1).market_data_id)).toBe(tick(1).close);
    expect(await letters("ticks")).toEqual([{ offset: 3, reason: "conflicting_duplicate" }]);
  });

  test("so it is across batches, also for those that follow a repeat and go by the stage", async () => {
    const tallies = await landEach("ticks", [tick(1), tick(2, { volume: 7 }), tick(4), tick(4), tick(5)]);
    expect(tallies.map(({ written, duplicate, dead }) => [written, duplicate, dead])).toEqual([
      [0, 1, 0],
      [0, 0, 1],
      [1, 0, 0],
      [0, 1, 0],
      [1, 0, 0],
    ]);
  });

  test("when and where an event was received is no content of it", async () => {
    const tally = await landBatch("ticks", [tick(1, { received_at: NOON + 999_999 })]);
    expect(tally).toMatchObject({ duplicate: 1, dead: 0 });
  });

  test("a whole batch of repeats after fresh ones, within one call, is counted row by row", async () => {
    const fresh = Array.from({ length: 300 }, (_, n) => tick(1000 + n));
    const values = await Promise.all([...fresh, ...fresh.slice(0, 200)].map((event) => tape.encode("ticks", event)));
    const events = values.map((value) => ({ value }));
    for (let from = 0; from < 500; from += 100) await tape.raw("ticks", events.slice(from, from + 100));
    const { ticks } = await tape.land("ticks");
    expect(ticks).toMatchObject({ read: 500, written: 300, duplicate: 200, dead: 0 });
  });

  test("what comes twice and has landed before is held against the row that landed, each time", async () => {
    await landBatch("ticks", [tick(30)]);
    const again = [tick(30), tick(30, { close: 98 }), tick(31), tick(30, { close: 98 }), tick(31, { close: 97 })];
    expect(await landBatch("ticks", again)).toMatchObject({ written: 1, duplicate: 1, dead: 3 });
    expect(await priceOf(tick(30).market_data_id)).toBe(tick(30).close);
    expect(await priceOf(tick(31).market_data_id)).toBe(tick(31).close);
  });

  test("a session or a null that differs makes another content", async () => {
    const tallies = await landEach("ticks", [tick(20, { venue: null }), tick(20, { venue: "" })]);
    expect(tallies.map(({ written, dead }) => [written, dead])).toEqual([
      [1, 0],
      [0, 1],
    ]);
  });

  test("in a topic that is audited one by one, a duplicate gives no entry and a conflict one DEAD_LETTER", async () => {
    const events = [prediction(1), prediction(1), prediction(1, { predicted_price: 1 })];
    expect(await landBatch("predictions", events)).toMatchObject({ written: 1, duplicate: 1, dead: 1 });
    expect(await landBatch("predictions", events)).toMatchObject({ written: 0, duplicate: 2, dead: 1 });
    await tape.land("audit");
    const entries = await tape.query<{ type: string; offset: number; success: boolean }>(
      `SELECT event_type AS type, source_offset AS "offset", success FROM public.audit_log WHERE source_topic = $1
       ORDER BY seq`,
      [tape.name("predictions")],
    );
    expect(entries).toEqual([
      { type: "DEAD_LETTER", offset: 2, success: false },
      { type: "MODEL_RUN", offset: 0, success: true },
      { type: "DEAD_LETTER", offset: 5, success: false },
    ]);
  });
});

const barRow = async (n: number): Promise<Row | undefined> => {
  const [row] = await tape.query(
    `SELECT close, (extract(epoch FROM revised_at) * 1000000)::bigint - ${NOON} AS revised FROM public.market_data_bar
     WHERE market_data_id = $1`,
    [bar(n).market_data_id],
  );
  return row;
};
const at = (revision: number, close: number, n: number) => bar(n, { revised_at: NOON + revision, close, high: 100 });

describe("bars, indicators, symbols and the like: the greatest revision of an id stays", () => {
  test("a newer revision replaces the row, an older one loses, and both count as replaced", async () => {
    const tallies = await landEach("bars", [at(20, 2, 1), at(30, 3, 1), at(10, 1, 1)]);
    expect(tallies.map(({ written, replaced, duplicate }) => [written, replaced, duplicate])).toEqual([
      [1, 0, 0],
      [0, 1, 0],
      [0, 1, 0],
    ]);
    expect(await barRow(1)).toEqual({ close: 3, revised: 30 });
  });

  test("within one batch it is the same, whatever their order", async () => {
    const tally = await landBatch("bars", [at(20, 2, 2), at(30, 3, 2), at(10, 1, 2), at(5, 9, 3)]);
    expect(tally).toMatchObject({ read: 4, written: 2, replaced: 2, duplicate: 0 });
    expect(await barRow(2)).toEqual({ close: 3, revised: 30 });
  });

  test("equal content is a duplicate that raises revised_at and never lowers it", async () => {
    const tallies = await landEach("bars", [at(20, 2, 4), at(40, 2, 4), at(30, 2, 4)]);
    expect(tallies.map(({ written, replaced, duplicate }) => [written, replaced, duplicate])).toEqual([
      [1, 0, 0],
      [0, 0, 1],
      [0, 0, 1],
    ]);
    expect(await barRow(4)).toEqual({ close: 2, revised: 40 });
  });

  test("equal content within one batch is a duplicate, and the greatest revised_at is kept", async () => {
    const tally = await landBatch("bars", [at(20, 2, 5), at(40, 2, 5), at(30, 2, 5)]);
    expect(tally).toMatchObject({ written: 1, duplicate: 2, replaced: 0 });
    expect(await barRow(5)).toEqual({ close: 2, revised: 40 });
  });

  test("of one revision's two contents the later offset stays", async () => {
    const tallies = await landEach("bars", [at(20, 2, 6), at(20, 3, 6)]);
    expect(tallies.map(({ written, replaced }) => [written, replaced])).toEqual([
      [1, 0],
      [0, 1],
    ]);
    expect(await barRow(6)).toEqual({ close: 3, revised: 20 });
    expect(await landBatch("bars", [at(20, 2, 7), at(20, 3, 7)])).toMatchObject({ written: 1, replaced: 1 });
    expect(await barRow(7)).toEqual({ close: 3, revised: 20 });
  });

  test("an event without a revision takes the broker's time", async () => {
    const before = Date.now() * 1000;
    await landBatch("bars", [bar(8, { revised_at: null })]);
    const { revised } = (await barRow(8)) as { revised: number };
    expect(NOON + revised).toBeGreaterThan(before - 5_000_000);
    expect(NOON + revised).toBeLessThan(Date.now() * 1000 + 5_000_000);
    expect(await landBatch("bars", [bar(8, { revised_at: null, close: 2.2 })])).toMatchObject({ replaced: 1 });
    expect(await barRow(8)).toMatchObject({ close: 2.2 });
  });

  test("indicators and symbols follow the same rule", async () => {
    const old = indicator(1, { revised_at: NOON - 5, indicator_value: 1 });
    const tallies = await landEach("indicators", [indicator(1), old, indicator(1)]);
    expect(tallies.map(({ written, replaced, duplicate }) => [written, replaced, duplicate])).toEqual([
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ]);
    const renamed = symbol({ ticker: "IBM.N", revised_at: NOON + 99 });
    expect(await landBatch("symbols", [renamed, symbol({ revised_at: NOON - 1 })])).toMatchObject({ replaced: 2 });
    expect(await tape.query("SELECT ticker FROM public.symbol")).toEqual([{ ticker: "IBM.N" }]);
  });
});

test("a revision is told to the audit log, one that lost as well, and an equal repeat is not", async () => {
  const own = (name: string, revision: number) =>
    symbol({ symbol_id: idOf("told"), ticker: name, revised_at: NOON + revision });
  await landEach("symbols", [own("A", 2), own("A", 2), own("B", 3), own("C", 1)]);
  await tape.land("audit");
  const told = await tape.query(
    "SELECT payload->'event'->>'ticker' AS ticker FROM public.audit_log WHERE payload->'event'->>'symbol_id' = $1 ORDER BY seq",
    [idOf("told")],
  );
  expect(told.map(({ ticker }) => ticker)).toEqual(["A", "B", "C"]);
});

describe("a session that is deleted", () => {
  const named = (name: string, change: object = {}) =>
    session({ backtest_session_id: idOf(`session ${name}`), name, ...change });
  const statusOf = (name: string) =>
    tape.query("SELECT status FROM public.backtest_session WHERE backtest_session_id = $1", [idOf(`session ${name}`)]);

  test("stays so: whatever comes later is a duplicate, however great its revision", async () => {
    const later = { revised_at: NOON + 10_000 };
    const tallies = await landEach("sessions", [
      named("a"),
      named("a", { status: "deleted", revised_at: NOON - 1 }),
      named("a", later),
      named("a", { ...later, status: "deleted", name: "other" }),
    ]);
    expect(tallies.map(({ written, replaced, duplicate }) => [written, replaced, duplicate])).toEqual([
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
      [0, 0, 1],
    ]);
    expect(await statusOf("a")).toEqual([{ status: "deleted" }]);
  });

  test("stays so within one batch, and what comes behind it there is a duplicate as well", async () => {
    const tally = await landBatch("sessions", [
      named("b"),
      named("b", { status: "deleted", revised_at: NOON - 1 }),
      named("b", { revised_at: NOON + 10_000 }),
    ]);
    expect(tally).toMatchObject({ written: 1, replaced: 1, duplicate: 1 });
    expect(await statusOf("b")).toEqual([{ status: "deleted" }]);
  });

  test("is the first of those that delete it, in one batch as in two", async () => {
    const gone = (name: string, data_set: string, revision: number) =>
      named(name, { status: "deleted", data_set, revised_at: NOON + revision });
    const events = (name: string) => [gone(name, "first", 1), gone(name, "second", 2)];
    expect(await landBatch("sessions", events("c"))).toMatchObject({ written: 1, duplicate: 1 });
    const tallies = await landEach("sessions", events("d"));
    expect(tallies.map(({ written, duplicate }) => [written, duplicate])).toEqual([
      [1, 0],
      [0, 1],
    ]);
    const kept = await tape.query("SELECT data_set FROM public.backtest_session WHERE name IN ('c', 'd')");
    expect(kept).toEqual([{ data_set: "first" }, { data_set: "first" }]);
  });

  test("makes every later one of a whole batch a duplicate", async () => {
    const tally = await landBatch("sessions", [
      named("b", { status: "running", revised_at: NOON + 20_000 }),
      named("b", { status: "failed", revised_at: NOON + 30_000 }),
    ]);
    expect(tally).toMatchObject({ replaced: 0, duplicate: 2 });
    expect(await statusOf("b")).toEqual([{ status: "deleted" }]);
  });
});

test("the ledger of all this is whole", async () => {
  await tape.land();
  expect(await ledgerFaults(tape)).toEqual([]);
});
