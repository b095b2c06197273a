import { describe, expect, test } from "vitest";
import { demoSymbols, seededTicks } from "../../src/cli/demo-ticks.ts";
import { movingAverage, tradeBars } from "../../src/cli/demo-trades.ts";
import type { BarEvent } from "../../src/event/events.ts";
import { barId, symbolId } from "../../src/event/identity.ts";
import { checkEvent } from "../../src/event/validate.ts";

const DAY_US = 86_400_000_000;

/** Two years up, two down, two up: the means must cross at least twice. */
const bars: BarEvent[] = Array.from({ length: 1500 }, (_, i) => {
  const close = 1000 + 300 * Math.sin((i / 500) * Math.PI);
  const bar = {
    symbol_id: symbolId("^GSPC", null),
    timestamp: i * DAY_US,
    open: close - 1,
    high: close + 2,
    low: close - 2,
    close,
    volume: 1000,
    interval: "1d",
    source: "test",
  };
  return { market_data_id: barId(bar), ...bar };
});

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

describe("the demo's agent", () => {
  const trades = tradeBars(bars);

  test("publishes valid events only", () => {
    const topics = Object.keys(trades) as (keyof typeof trades)[];
    const reasons = topics.flatMap((topic) => trades[topic].map((event) => checkEvent(topic, event)));
    const wrong = reasons.filter((reason) => reason !== null);
    expect(wrong).toEqual([]);
  });

  test("buys and sells in turn, and each decision has its prediction, its fill and a later time", () => {
    const { predictions, decisions, fills } = trades;
    expect(decisions.length).toBeGreaterThanOrEqual(2);
    expect(decisions.every((d, i) => i === 0 || d.action !== decisions[i - 1]!.action)).toBe(true);
    expect(decisions.map((d) => d.model_reference)).toEqual(predictions.map((p) => p.prediction_id));
    expect(fills.map((f) => f.decision_id)).toEqual(decisions.map((d) => d.decision_id));
    expect(fills.every((f, i) => f.timestamp > decisions[i]!.timestamp)).toBe(true);
  });

  test("counts a purchase and the sale after it as one trade", () => {
    const [row] = trades.performance;
    const pairs = trades.decisions.filter((d, i) => d.action === "BUY" && trades.decisions[i + 1] !== undefined);
    expect(row?.total_trades).toBe(pairs.length);
  });

  test("knows no mean before it has seen enough values", () => {
    expect(movingAverage([1, 2, 3, 4], 3)).toEqual([Number.NaN, Number.NaN, 2, 3]);
  });
});
