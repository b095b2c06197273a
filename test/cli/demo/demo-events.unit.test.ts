import { describe, expect, test } from "vitest";
import { demoSymbols, seededTicks } from "../../../src/cli/demo/demo-ticks.ts";
import { checkEvent } from "../../../src/event/validate.ts";

const DAY_US = 86_400_000_000;

describe("the demo's ticks", () => {
  const ticks = [...seededTicks(20_000)];

  test("are the same for the same seed, others for another", () => {
    expect([...seededTicks(20_000)]).toEqual(ticks);
    expect([...seededTicks(20_000, 2)]).not.toEqual(ticks);
  });

  test("are valid, have ids of their own, stay within one day and never go back in time", () => {
    expect(ticks.map((tick) => checkEvent("ticks", tick)).filter((reason) => reason !== null)).toEqual([]);
    expect(new Set(ticks.map((tick) => tick.market_data_id)).size).toBe(ticks.length);
    expect(ticks.every((tick, i) => i === 0 || tick.timestamp >= ticks[i - 1]!.timestamp)).toBe(true);
    expect(new Set(ticks.map((tick) => Math.floor(tick.timestamp / DAY_US))).size).toBe(1);
  });

  test("belong to the symbols that are published before them", () => {
    const known = new Set(demoSymbols().map((symbol) => symbol.symbol_id));
    expect(ticks.filter((tick) => !known.has(tick.symbol_id))).toEqual([]);
    expect(demoSymbols().map((symbol) => checkEvent("symbols", symbol))).toEqual(demoSymbols().map(() => null));
  });
});
