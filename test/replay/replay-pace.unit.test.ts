import { expect, test } from "vitest";
import type { Withheld } from "../../src/batch/group/replay-terms.ts";
import type { Clock } from "../../src/clock.ts";
import type { Speed } from "../../src/replay/bounds.ts";
import { ReplayPace } from "../../src/replay/replay-pace.ts";

const SECOND_US = 1_000_000;
const KIB = 1024;

/** Time that passes only where somebody sleeps. */
class FakeTime implements Pick<Clock, "now" | "sleep"> {
  ms = 0;
  now = () => this.ms;
  sleep = async (ms: number) => {
    this.ms += ms;
    await new Promise((resolve) => setImmediate(resolve));
  };
}

interface Released {
  readonly key: string;
  readonly offset: number;
  readonly ms: number;
}

function setUp(speed: Speed, ends: Readonly<Record<string, number>>) {
  const time = new FakeTime();
  const streams = Object.entries(ends).map(([topic, end]) => {
    return { key: `${topic}/0`, next: 0, end, isTrail: topic === "audit" };
  });
  const pace = new ReplayPace(speed, streams, time);
  const released: Released[] = [];
  const covered: [string, number, number][] = [];
  const wanted: string[] = [];
  /** A batch of records with these event times, in seconds; undefined is no event. */
  const withhold = (topicName: string, firstOffset: number, seconds: readonly (number | undefined)[], bytes = 10) =>
    pace.withhold({
      topicName,
      partition: 0,
      firstOffset,
      nextOffset: firstOffset + seconds.length,
      from: 0,
      to: seconds.length,
      bytes,
      offsetOf: (index) => firstOffset + index,
      timeOf: (index) => (seconds[index] === undefined ? undefined : seconds[index] * SECOND_US),
      release: (part) => {
        covered.push([topicName, part.firstOffset, part.nextOffset]);
        for (let index = part.from; index < part.to; index++) {
          released.push({ key: topicName, offset: firstOffset + index, ms: time.ms });
        }
      },
      wanted: () => wanted.push(topicName),
    } satisfies Withheld);
  const run = () => pace.run(new AbortController().signal);
  const at = (key: string) => released.filter((one) => one.key === key).map(({ ms }) => ms);
  return { withhold, run, at, time, covered, wanted, pace };
}

const TEN_TIMES: Speed = { kind: "times", factor: 10 };

test("events are let go as far apart as they happened, so many times as fast, on every topic alike", async () => {
  const { withhold, run, at } = setUp(TEN_TIMES, { ticks: 4, fills: 2 });
  withhold("ticks", 0, [100, 101, 110, 160]);
  withhold("fills", 0, [105, 700]);
  await run();
  expect(at("ticks")).toEqual([0, 100, 1000, 6000]);
  expect(at("fills")).toEqual([500, 60_000]);
});

test("a time that goes back counts as now, and so does what tells no time", async () => {
  const { withhold, run, at } = setUp(TEN_TIMES, { ticks: 5 });
  withhold("ticks", 0, [100, 200, 150, undefined, 210]);
  await run();
  expect(at("ticks")).toEqual([0, 10_000, 10_000, 10_000, 11_000]);
});

test("a trail that was written long after is not waited for when all that it tells of has come", async () => {
  const { withhold, run, at } = setUp({ kind: "times", factor: 1 }, { ticks: 2, audit: 3 });
  withhold("ticks", 0, [100, 110]);
  withhold("audit", 0, [104, 1e9, 2e9]);
  await run();
  expect([at("ticks"), at("audit")]).toEqual([
    [0, 10_000],
    [4000, 10_000, 10_000],
  ]);
});

test("so many a second are let go by event time, whatever lies between them", async () => {
  const { withhold, run, at } = setUp({ kind: "rate", perSecond: 10 }, { ticks: 3, fills: 2 });
  withhold("ticks", 0, [1, 5000, 9000]);
  withhold("fills", 0, [2, 6000]);
  await run();
  expect([at("ticks"), at("fills")]).toEqual([
    [0, 200, 400],
    [100, 300],
  ]);
});

test("nothing is let go before every partition has shown what comes next", async () => {
  const { withhold, run, at, covered } = setUp(TEN_TIMES, { ticks: 1, fills: 1 });
  withhold("ticks", 0, [100]);
  const running = run();
  await new Promise((resolve) => setImmediate(resolve));
  expect(covered).toEqual([]);
  withhold("fills", 0, [90]);
  await running;
  expect([at("fills"), at("ticks")]).toEqual([[0], [1000]]);
});

test("offsets are covered without a gap, in slices, also those that hold no record", async () => {
  const { withhold, run, covered } = setUp({ kind: "times", factor: 1 }, { ticks: 9 });
  withhold("ticks", 0, [1, 1.01, 1.02, 5]);
  withhold("ticks", 4, []);
  const running = run();
  withhold("ticks", 4, [5, 5]);
  withhold("ticks", 6, [7, 7, 7]);
  await running;
  for (const [n, [, first]] of covered.entries()) expect(first).toBe(n === 0 ? 0 : covered[n - 1]![2]);
  expect(covered.at(-1)?.[2]).toBe(9);
  // Not one by one: a slice is a transaction.
  expect(covered.length).toBeLessThan(6);
});

test("enough of a partition is withheld when it is a fetch, and more is wanted when that is gone", async () => {
  const { withhold, run, wanted } = setUp({ kind: "rate", perSecond: 1000 }, { ticks: 4 });
  expect(withhold("ticks", 0, [1, 2], 600 * KIB)).toBe(false);
  expect(withhold("ticks", 2, [3, 4], 600 * KIB)).toBe(true);
  expect(wanted).toEqual([]);
  await run();
  expect(wanted).toEqual(["ticks", "ticks"]);
});

test("what was fetched again replaces what is withheld of it", async () => {
  const { withhold, run, at } = setUp(TEN_TIMES, { ticks: 3 });
  withhold("ticks", 0, [1, 1, 1]);
  withhold("ticks", 0, [1, 1, 1]);
  await run();
  expect(at("ticks")).toHaveLength(3);
});

test("a signal ends it, however long it would have to wait", async () => {
  const { withhold, pace, covered } = setUp(TEN_TIMES, { ticks: 2, fills: 1 });
  withhold("ticks", 0, [1, 1e9]);
  const stop = new AbortController();
  let hasEnded = false;
  void pace.run(stop.signal).then(() => {
    hasEnded = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(hasEnded).toBe(false);
  stop.abort();
  await new Promise((resolve) => setImmediate(resolve));
  expect([hasEnded, covered]).toEqual([true, []]);
});

test("what tells no time before any other has is let go at once, and begins no time", async () => {
  const { withhold, run, at } = setUp(TEN_TIMES, { ticks: 3 });
  withhold("ticks", 0, [undefined, 100, 110]);
  await run();
  expect(at("ticks")).toEqual([0, 0, 1000]);
});
