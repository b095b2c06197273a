import { afterAll, beforeAll, expect, test } from "vitest";
import { barsOfTicks } from "../../../producers/bars.ts";
import type { AnyDraft } from "../../../src/agent/draft.ts";
import type { TickEvent } from "../../../src/event/events.ts";
import { tickId } from "../../../src/event/identity.ts";
import { openRegistry } from "../../../src/event/registry.ts";
import { openLog } from "../../../src/log.ts";
import { type RunOptions, runProgram } from "../../../src/stream/run.ts";
import { openKafka } from "../../../src/topic/kafkajs/open-kafka.ts";
import { SYMBOL_ID, symbol, tick } from "../../support/samples.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";

const MIN = 60_000_000;
/** Minutes of a day long past. */
const DAY = Date.UTC(2020, 2, 2) * 1000;
const INTERVALS = [
  { name: "1min", us: MIN },
  { name: "1d", us: 1440 * MIN },
];

let tape: TestTape;

beforeAll(async () => {
  tape = await openTestTape();
  await tape.publish("symbols", symbol());
});

afterAll(() => tape?.stop());

const trade = (source: string, n: number, minute: number, price: number): TickEvent => {
  const made = tick(n, { source, timestamp: DAY + minute * MIN + n, close: price, volume: 1, trade_id: `${n}` });
  return { ...made, market_data_id: tickId(made) };
};

const day = (source: string, from: number, to: number): TickEvent[] =>
  Array.from({ length: to - from }, (_, i) =>
    trade(source, from + i, Math.floor((from + i) / 10), 100 + ((from + i) % 7)),
  );

/** One run of the bars' program, until it has caught up. @param dieAfter of so many bars the next one isn't acknowledged */
function runBars(name: string, dieAfter = Number.POSITIVE_INFINITY) {
  const stop = new AbortController().signal;
  return startBars({ name, caughtUpWith: Promise.resolve(), stop }, dieAfter);
}

async function startBars(options: RunOptions, dieAfter = Number.POSITIVE_INFINITY) {
  const log = openLog(tape.config);
  const client = openKafka(tape.config, log);
  const registry = openRegistry({ schemaRegistryUrl: tape.config.schemaRegistryUrl ?? "" });
  let published = 0;
  const publish = async ({ topic, event }: AnyDraft) => {
    if (published++ >= dieAfter) throw new Error("killed here");
    await tape.publish(topic, event as never);
  };
  const program = barsOfTicks({ intervals: INTERVALS, days: null, latenessUs: 10 * MIN, session: null });
  return runProgram({ client, registry, config: tape.config, log, publish }, program, options);
}

const BARS = `SELECT "interval",
    (extract(epoch FROM "timestamp") / 60)::bigint - ${DAY / MIN} AS minute, open, high, low, close, volume
  FROM market_data_bar WHERE source = $1 ORDER BY 1, 2`;

/** The same bars, by SQL from the ticks that landed. Tick 1000 comes 34 minutes late: in time for its day alone. */
const EXPECTED = `WITH bar AS (
    SELECT i.name, date_bin(i.length, "timestamp", 'epoch') AS start, price, size,
      row_number() OVER earliest AS first, row_number() OVER latest AS last
    FROM tick, (VALUES ('1min', interval '1 minute'), ('1d', interval '1 day')) AS i (name, length)
    WHERE source = $1 AND NOT (i.name = '1min' AND trade_id = '1000')
    WINDOW earliest AS (PARTITION BY i.name, date_bin(i.length, "timestamp", 'epoch') ORDER BY "timestamp"),
      latest AS (PARTITION BY i.name, date_bin(i.length, "timestamp", 'epoch') ORDER BY "timestamp" DESC))
  SELECT name AS "interval", (extract(epoch FROM start) / 60)::bigint - ${DAY / MIN} AS minute,
    min(price) FILTER (WHERE first = 1) AS open, max(price) AS high, min(price) AS low,
    min(price) FILTER (WHERE last = 1) AS close, sum(size) AS volume
  FROM bar GROUP BY name, start ORDER BY 1, 2`;

test("bars are those of the ticks that landed, also over restarts, late ticks, and ticks that come twice", async () => {
  await tape.publishAll("ticks", day("restarts", 0, 300));
  const first = await runBars("restarts");
  expect(first).toMatchObject({ read: 300, published: 31 });
  expect(await runBars("restarts")).toMatchObject({ read: 0 });
  const late = trade("restarts", 1000, 25, 500);
  await tape.publishAll("ticks", [...day("restarts", 290, 600), late, ...day("restarts", 0, 20)]);
  const second = await runBars("restarts");
  expect(second.read).toBe(331);
  expect(second.counts).toMatchObject({ late: 1, duplicate: 30, partial: 0 });
  await tape.land();
  expect(await tape.query(BARS, ["ticks:restarts"])).toEqual(await tape.query(EXPECTED, ["restarts"]));
});

test("a program that dies in the midst of publishing goes on after it: every bar once, none wrong", async () => {
  await tape.publishAll("ticks", day("dies", 0, 400));
  for (const after of [0, 7, 20]) await expect(runBars("dies", after)).rejects.toThrow("killed here");
  await runBars("dies");
  await tape.land();
  const own = await tape.query(BARS, ["ticks:dies"]);
  expect(own).toHaveLength(41);
  expect(own).toEqual(await tape.query(EXPECTED, ["dies"]));
});

test("what the log holds and no one can read, or is of a time to come, is left to where it lands", async () => {
  await tape.publishAll("ticks", day("bad", 0, 10));
  const wrong = await tape.encode("ticks", { ...trade("bad", 10, 1, 1), volume: -1 });
  // Taken for true, it would make every tick behind it too late for its bars.
  const ahead = await tape.encode("ticks", { ...trade("bad", 11, 1, 1), timestamp: Date.UTC(2100, 0, 1) * 1000 });
  await tape.raw(
    "ticks",
    [0, 1, 2, 3].flatMap((p) => [
      { value: Buffer.from("junk"), partition: p },
      { value: wrong, key: SYMBOL_ID, partition: p },
      { value: ahead, key: SYMBOL_ID, partition: p },
    ]),
  );
  await tape.publishAll("ticks", day("bad", 10, 30));
  const { published } = await runBars("bad");
  expect(published).toBeGreaterThan(0);
  await tape.land();
  expect(await tape.query(BARS, ["ticks:bad"])).toEqual(await tape.query(EXPECTED, ["bad"]));
});

test("of two runs under one name one works and the other stands by, and goes on when the first one leaves", async () => {
  const leaving = { first: new AbortController(), second: new AbortController() };
  let read = { first: 0, second: 0 };
  const start = (which: "first" | "second") =>
    startBars({
      name: "two",
      stop: leaving[which].signal,
      onProgress: (tally) => {
        read = { ...read, [which]: tally.read };
      },
    });
  const isRead = (which: "first" | "second", count: number) =>
    expect.poll(() => read[which]).toBeGreaterThanOrEqual(count);
  await tape.publishAll("ticks", day("two", 0, 100));
  const first = start("first");
  await isRead("first", 100);
  const second = start("second");
  leaving.first.abort();
  await first;
  await tape.publishAll("ticks", day("two", 100, 200));
  await isRead("second", 100);
  leaving.second.abort();
  await second;
  await tape.land();
  const own = await tape.query(BARS, ["ticks:two"]);
  expect(own).toHaveLength(21);
  expect(own).toEqual(await tape.query(EXPECTED, ["two"]));
});
