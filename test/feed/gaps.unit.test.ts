import { describe, expect, it } from "vitest";
import { GAPS_MIN, intervalByGaps } from "../../src/feed/decide/gaps.ts";
import { askedOf, barsOf } from "../support/feeds/feed-cases.ts";
import fc from "../support/random/fast-check.ts";

const MINUTE = 60_000_000;
const DAY = 86_400_000_000;
const found = (walls: readonly number[], areDays = false) => intervalByGaps([{ walls }], areDays).interval;
const every = (step: number, count: number, from = 1_704_153_600_000_000) =>
  Array.from({ length: count }, (_, i) => from + i * step);

describe("the length of bars by the gaps between them", () => {
  it.each([
    [MINUTE, "1min"],
    [15 * MINUTE, "15min"],
    [60 * MINUTE, "1h"],
    [DAY, "1d"],
    [7 * DAY, "1w"],
  ])("of %i us is told by enough gaps, and by one less it isn't", (step, name) => {
    expect(found(every(step, GAPS_MIN + 1))).toBe(name);
    expect(found(every(step, GAPS_MIN))).toBeUndefined();
  });
  it("takes so many gaps that one file in a million of bars at random is wrong", () => {
    const wrong = (gaps: number) => Array.from({ length: 1000 }, (_, i) => (i + 2) ** -gaps).reduce((a, b) => a + b);
    expect(wrong(GAPS_MIN)).toBeLessThan(1e-6);
    expect(wrong(GAPS_MIN - 1)).toBeGreaterThan(1e-6);
  });
  it("is a day where days without a time follow each other, and a month where months do", () => {
    const [friday, monday, tuesday] = ["2024-01-05", "2024-01-08", "2024-01-09"].map((day) => Date.parse(day) * 1000);
    expect(found([friday!, monday!], true)).toBeUndefined();
    expect(found([friday!, monday!, tuesday!], true)).toBe("1d");
    const months = Array.from({ length: GAPS_MIN + 1 }, (_, i) => Date.UTC(2020, i, 1) * 1000);
    expect(found(months, true)).toBe("1mo");
    expect(found(months.slice(1), true)).toBeUndefined();
  });
  it("isn't told by gaps that aren't multiples of the most frequent one (09)", async () => {
    const sparse = every(5 * MINUTE, 40).concat(every(5 * MINUTE, 40)[39]! + MINUTE);
    expect(found(sparse)).toBeUndefined();
    const rows = [1704153600, 1704153900, 1704154200, 1704154260, 1704154560].map(
      (time) => `${time},1.1,1.11,1.09,1.1,5`,
    );
    const text = ["time,open,high,low,close,volume", ...rows].join("\n");
    expect(await askedOf(barsOf("sparse.csv", text, { symbol: "IBM" }))).toEqual(["--interval"]);
    expect((await barsOf("sparse.csv", text, { symbol: "IBM", interval: "1min" })).rows.length).toBe(5);
    await expect(barsOf("sparse.csv", text, { symbol: "IBM", interval: "1h" })).rejects.toThrow(/begin 1min apart/);
  });
  it("is never a wrong one for bars of one minute with any share of minutes without trades", () => {
    const wrong = new Set<string>();
    const gap = fc.integer({ min: 1, max: 1_000_000 });
    fc.assert(
      fc.property(
        fc.double({ min: 0.02, max: 0.98, noNaN: true }),
        fc.array(gap, { minLength: 20, maxLength: 60 }),
        (p, dice) => {
          let at = 0;
          const walls = [
            0,
            ...dice.map((die) => (at += MINUTE * Math.ceil(Math.log(die / 1_000_001) / Math.log(1 - p)))),
          ];
          const interval = found(walls);
          if (interval !== undefined && interval !== "1min") wrong.add(`${interval} at ${p}`);
        },
      ),
      { numRuns: 10_000, seed: 15 },
    );
    expect([...wrong]).toEqual([]);
  });
  it("is looked for within each symbol", () => {
    const walls = every(DAY, 11);
    const shifted = walls.map((us) => us + MINUTE);
    expect(intervalByGaps([{ walls }, { walls: shifted }], false).interval).toBe("1d");
  });
});
