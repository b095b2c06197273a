import { describe, expect, it } from "vitest";
import { EVERYTHING, printsOf, SETS } from "../../src/strategy/prints.ts";
import { tick } from "../support/samples.ts";

const counts = () => ({ filtered: 0, unknown_condition: 0 });
const setsOf = (source: string, conditions: readonly string[] | null, isRegular = false, seen = counts()) =>
  printsOf(source, isRegular, seen)(tick(0, { conditions }));
const OF_DAY = SETS.longRange | SETS.volume;
/** Lean's flags of these bits, as its files write them. */
const flags = (...bits: number[]) => bits.reduce((sum, bit) => sum + 2 ** bit, 0).toString(16);

describe("what a trade may set", () => {
  it.each([
    ["regular, by sweep", EVERYTHING, flags(0, 5, 29), "0,14,41", ["@", "F"]],
    ["an opening print", EVERYTHING, flags(6), "25", ["O"]],
    ["a closing print", EVERYTHING, flags(7), "8", ["6"]],
    ["derivatively priced", OF_DAY, flags(9), "10", ["4"]],
    ["at a prior reference price", OF_DAY, flags(25), "22", ["P"]],
    ["out of sequence", OF_DAY, flags(14), "33", ["Z"]],
    ["at an average price", SETS.volume, flags(20), "2", ["W"]],
    ["for the next day", SETS.volume, flags(2), "20", ["N"]],
    ["for cash", SETS.volume, flags(1), "7", ["C"]],
    ["an odd lot, by sweep", SETS.volume, flags(5, 31), "14,37", ["F", "I"]],
    ["an official close, which is no trade", 0, flags(24), "15", ["M"]],
    ["an official open, which is no trade", 0, flags(26), "16", ["Q"]],
    ["at an average price and derivatively priced", SETS.volume, flags(9, 20), "2,10", ["W", "4"]],
  ])("%s", (_what, sets, lean, polygon, alpaca) => {
    expect(setsOf("lean", [lean])).toBe(sets);
    expect(setsOf("polygon-trades", polygon.split(","))).toBe(sets);
    expect(setsOf("alpaca-trades", alpaca)).toBe(sets);
  });
  it("in extended hours is everything where those are asked for, and the size alone where regular ones are", () => {
    for (const [source, code] of [
      ["lean", flags(13)],
      ["polygon-trades", "12"],
      ["alpaca-trades", "T"],
    ] as const) {
      expect([setsOf(source, [code]), setsOf(source, [code], true)]).toEqual([EVERYTHING, SETS.volume]);
    }
  });
  it("is the size alone where Lean finds it suspicious", () => {
    expect(setsOf("lean", [flags(0), "suspicious"])).toBe(SETS.volume);
  });
  it("is everything by a condition that no table has, and all else by those beside it; it is counted", () => {
    const seen = counts();
    expect([setsOf("lean", [flags(30)], false, seen), setsOf("lean", [flags(20, 30)], false, seen)]).toEqual([
      EVERYTHING,
      SETS.volume,
    ]);
    expect([setsOf("lean", ["banana"], false, seen), setsOf("polygon-trades", ["999"], false, seen)]).toEqual([
      EVERYTHING,
      EVERYTHING,
    ]);
    expect(setsOf("alpaca-trades", ["?", "W"], false, seen)).toBe(SETS.volume);
    expect(seen).toEqual({ filtered: 2, unknown_condition: 5 });
  });
  it("is everything where there are no conditions, or none of sales", () => {
    expect([setsOf("lean", null), setsOf("binance-trades", ["buyer_maker"]), setsOf("desk", ["W"])]).toEqual([
      EVERYTHING,
      EVERYTHING,
      EVERYTHING,
    ]);
  });
});
