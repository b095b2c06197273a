import { describe, expect, test } from "vitest";
import { utcSpans } from "../../src/calendar/days.ts";
import { BarBuilder, type OpenBar } from "../../src/strategy/bar-builder.ts";
import { EVERYTHING, SETS } from "../../src/strategy/prints.ts";
import fc from "../support/random/fast-check.ts";
import { idOf, NOON, tick } from "../support/samples.ts";

const MIN = 60_000_000;
const INTERVALS = [
  { name: "1min", isLong: false, spanOf: utcSpans(MIN) },
  { name: "5min", isLong: false, spanOf: utcSpans(5 * MIN) },
];
/** A whole multiple of both intervals. */
const START = Math.floor(NOON / (5 * MIN)) * 5 * MIN;

const none = () => ({ late: 0, duplicate: 0, partial: 0, outside: 0, unpriced: 0 });

function builderOf(latenessUs = 2 * MIN, wholeFromUs = Number.NEGATIVE_INFINITY) {
  const counts = none();
  const builder = new BarBuilder(INTERVALS, latenessUs, wholeFromUs, counts);
  let offset = 0;
  const add = (seconds: number, price: number, change: object = {}, sets = EVERYTHING) => {
    const own = {
      market_data_id: idOf(`${offset}`),
      timestamp: START + seconds * 1_000_000,
      timestamp_ns: 0,
      close: price,
    };
    return builder.add(tick(0, { ...own, volume: 1, ...change }), offset++, NOON + offset, sets);
  };
  return { builder, counts, add };
}

const shown = ({ interval, start, open, high, low, close, volume }: OpenBar) =>
  `${interval} ${(start - START) / MIN} ${open} ${high} ${low} ${close} x${volume}`;

describe("bars of ticks", () => {
  test("are told when a tick lies behind their end, with first, highest, lowest and last price", () => {
    const { add } = builderOf();
    expect([10, 12, 9, 11].flatMap((price, i) => add(i * 10, price))).toEqual([]);
    expect(add(60, 20).map(shown)).toEqual(["1min 0 10 12 9 11 x4"]);
    expect(add(300, 5).map(shown)).toEqual(["1min 1 20 20 20 20 x1", "5min 0 10 20 9 20 x5"]);
  });

  test("go by the ticks' time, not by their order: a late tick may be the first, or the last", () => {
    const { add } = builderOf();
    for (const [at, price] of [
      [20, 10],
      [40, 11],
      [61, 30],
      [10, 8],
      [59, 9],
    ] as const)
      add(at, price);
    expect(add(120, 1).map(shown)).toEqual(["1min 0 8 11 8 9 x4", "1min 1 30 30 30 30 x1"]);
  });

  test("of one moment go by nanoseconds, then by the log", () => {
    const { add } = builderOf();
    add(1, 10, { timestamp_ns: 5 });
    add(1, 11, { timestamp_ns: 3 });
    add(1, 12, { timestamp_ns: 5 });
    expect(add(60, 1).map(shown)).toEqual(["1min 0 11 12 10 12 x3"]);
  });

  test("are revised by late ticks, and not by those later than allowed, which are counted", () => {
    const { add, counts } = builderOf(2 * MIN);
    add(0, 10);
    expect(add(60, 20).map(shown)).toEqual(["1min 0 10 10 10 10 x1"]);
    add(30, 15);
    expect(add(120, 21).map(shown)).toEqual(["1min 0 10 15 10 15 x2", "1min 1 20 20 20 20 x1"]);
    add(181, 22);
    expect(counts.late).toBe(0);
    add(31, 99);
    expect(counts.late).toBe(1);
    const told = add(300, 1).map(shown);
    expect(told.filter((bar) => bar.startsWith("1min 0"))).toEqual([]);
    expect(told).toContain("5min 0 10 99 10 22 x6");
  });

  test("have the prices of those that set one: of a minute, of a day, its last one, or the size alone", () => {
    const { add } = builderOf();
    add(1, 10);
    add(2, 9, {}, SETS.longRange | SETS.volume);
    add(3, 11, {}, SETS.range | SETS.volume);
    add(4, 99, {}, SETS.volume);
    add(5, 98, {}, 0);
    expect(add(60, 20).map(shown)).toEqual(["1min 0 10 11 10 10 x4"]);
  });

  test("that no tick gave a price are counted and not told, but for a late one that does", () => {
    const { add, counts } = builderOf();
    add(1, 10, {}, SETS.volume);
    expect(add(60, 20)).toEqual([]);
    expect(counts.unpriced).toBe(1);
    add(30, 11);
    expect(add(120, 20).map(shown)).toContain("1min 0 11 11 11 11 x2");
  });

  test("have no tick that lies outside of them all, which is counted and still moves the clock", () => {
    const counts = none();
    const spanOf = (us: number) => (us < START + MIN ? { start: START, end: START + MIN } : null);
    const builder = new BarBuilder([{ name: "1d", isLong: true, spanOf }], 0, Number.NEGATIVE_INFINITY, counts);
    const at = (seconds: number, n: number) =>
      builder.add(tick(n, { timestamp: START + seconds * 1_000_000 }), n, NOON, EVERYTHING);
    expect([...at(0, 0), ...at(59, 1), ...at(60, 2)].map(shown)).toEqual(["1d 0 184.25 185.25 184.25 185.25 x200"]);
    expect(counts).toMatchObject({ outside: 1, late: 0 });
  });

  test("are not made anew of a late tick alone by a restart between two sessions, when none is open", () => {
    const spanOf = (us: number) => (us < START + MIN ? { start: START, end: START + MIN } : null);
    const run = () => {
      const builder = new BarBuilder([{ name: "1d", isLong: true, spanOf }], 0, Number.NEGATIVE_INFINITY, none());
      const at = (seconds: number, n: number) =>
        builder.add(tick(n, { timestamp: START + seconds * 1_000_000 }), n, NOON, EVERYTHING);
      return { builder, at };
    };
    const [before, after] = [run(), run()];
    for (const [n, seconds] of [1, 2, 60].entries()) before.at(seconds, n);
    expect(before.builder.oldest).toBe(2);
    expect([...after.at(60, 2), ...after.at(3, 3), ...after.builder.told(START + 9 * MIN)]).toEqual([]);
  });

  test("take a tick once, however often it comes, also when its short bar is closed", () => {
    const { add, counts, builder } = builderOf(0);
    add(0, 10, { market_data_id: idOf("twice") });
    add(70, 11);
    add(0, 10, { market_data_id: idOf("twice") });
    expect(counts).toMatchObject({ duplicate: 1, late: 0 });
    expect(builder.told(START + 5 * MIN).map(shown)).toContain("5min 0 10 11 10 11 x2");
  });

  test("that miss their beginning are counted and never told", () => {
    const { add, counts } = builderOf(0, START + 30_000_000);
    add(30, 10);
    add(60, 11);
    expect(add(300, 12).map(shown)).toEqual(["1min 1 11 11 11 11 x1"]);
    expect(counts.partial).toBe(2);
  });

  test("rest on the first tick of the oldest that may still change", () => {
    const { add, builder } = builderOf(0);
    expect(builder.oldest).toBe(Number.POSITIVE_INFINITY);
    for (let i = 0; i < 5; i++) add(i * 60, 10);
    expect(builder.oldest).toBe(0);
    add(300, 10);
    expect(builder.oldest).toBe(5);
  });

  test("after a restart from there are what they would have been without it", () => {
    const seconds = fc.array(fc.integer({ min: 0, max: 1500 }), { minLength: 2, maxLength: 60 });
    fc.assert(
      fc.property(seconds, fc.nat(), (times, cut) => {
        const ticks = times.map((at, n) => ({
          ...tick(n, { timestamp: START + at * 1_000_000 }),
          close: n,
          volume: n,
        }));
        const run = () => new BarBuilder(INTERVALS, MIN, Number.NEGATIVE_INFINITY, none());
        const mark = cut % ticks.length;
        const [whole, before, after] = [run(), run(), run()];
        const expected = ticks.map((one, n) => whole.add(one, n, n, EVERYTHING));
        for (let n = 0; n < mark; n++) before.add(ticks[n]!, n, n, EVERYTHING);
        const from = Math.min(mark, before.oldest);
        const again = ticks.slice(from).map((one, n) => after.add(one, from + n, from + n, EVERYTHING));
        expect(again.slice(mark - from)).toEqual(expected.slice(mark));
      }),
    );
  });

  test("end whole, whatever the lateness, when a pause came before the restart and it reads from farther back", () => {
    // Two late ticks behind the mark's oldest, and an end of lateness that is no bar's end.
    const seconds = fc.array(fc.integer({ min: 56, max: 84 }), { minLength: 2, maxLength: 12 });
    const lateness = fc.integer({ min: 0, max: 20 });
    fc.assert(
      fc.property(seconds, lateness, fc.nat(), fc.nat(), (times, late, cut, farther) => {
        const ticks = times.map((at, n) => ({
          ...tick(n, { timestamp: START + 5 * at * 1_000_000 }),
          close: n,
          volume: n,
        }));
        const run = () => new BarBuilder(INTERVALS, 5 * late * 1_000_000, Number.NEGATIVE_INFINITY, none());
        const last = (told: readonly OpenBar[]) =>
          new Map(told.map((bar) => [`${bar.interval} ${bar.start}`, shown(bar)]));
        const [whole, before, after] = [run(), run(), run()];
        const NEVER = START + 9000 * 1_000_000;
        const expected = [...ticks.flatMap((one, n) => whole.add(one, n, n, EVERYTHING)), ...whole.told(NEVER)];
        const mark = cut % ticks.length;
        const told = ticks.slice(0, mark).flatMap((one, n) => before.add(one, n, n, EVERYTHING));
        told.push(...before.told(NEVER));
        const from = farther % (Math.min(mark, before.oldest) + 1);
        for (let n = from; n < ticks.length; n++) {
          const some = after.add(ticks[n]!, n, n, EVERYTHING);
          if (n >= mark) told.push(...some);
        }
        expect(last([...told, ...after.told(NEVER)])).toEqual(last(expected));
      }),
      { numRuns: 500, examples: [[[56, 72, 56, 56, 73, 56, 56], 13, 423529202, 9]] },
    );
  });
});
