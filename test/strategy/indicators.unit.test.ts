import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { EMA } from "trading-signals";
import { describe, expect, test } from "vitest";
import { IndicatorSet, type IndicatorValue, SeededEma } from "../../src/strategy/indicators.ts";

/** d3fc's own test data: 198 daily bars, and what a spreadsheet made of them, to ten digits. */
function csv(name: string): Record<string, number>[] {
  const path = `./test/data/${name}.csv`;
  const text = readFileSync(
    fileURLToPath(new URL(path, import.meta.resolve("@d3fc/d3fc-technical-indicator"))),
    "utf8",
  );
  const [head = "", ...lines] = text.trimEnd().split(/\r?\n/);
  const names = head.split(",");
  return lines.map((line) => {
    const cells = line.split(",");
    return Object.fromEntries(names.map((column, i) => [column, cells[i] ? Number(cells[i]) : Number.NaN]));
  });
}

const input = csv("input");
/** The table begins with rows without prices. */
const first = input.findIndex(({ Close }) => !Number.isNaN(Close));
const closes = input.slice(first).map(({ Close }) => Close!);
const opens = input.slice(first).map(({ Open }) => Open!);
const golden = (name: string, column: string) =>
  csv(name)
    .slice(first)
    .map((row) => row[column]!);

/** The settings of the golden tables: MACD's slow average has 29 bars there, and the bands have 10. */
const GOLDEN = {
  sma: [10],
  ema: [9, 12, 29],
  rsi: 14,
  macd: { fast: 12, slow: 29, signal: 9 },
  bollinger: { period: 10, deviations: 2 },
};

function series(prices: readonly number[]): (name: string, period: number | null) => number[] {
  const set = new IndicatorSet(GOLDEN);
  const values: IndicatorValue[][] = prices.map((price) => set.add(price));
  return (name, period) =>
    values.map((at) => at.find((v) => v.name === name && v.period === period)?.value ?? Number.NaN);
}

/** Every golden value has its own, none is missing, and none is farther than 1e-9 (of its size, where that is over 1). */
function expectEqual(actual: readonly number[], expected: readonly number[]): void {
  const wrong = expected.flatMap((value, i) => {
    if (Number.isNaN(value)) return [];
    const far = Math.abs(actual[i]! - value) / Math.max(1, Math.abs(value));
    return far <= 1e-9 ? [] : [`row ${i}: ${actual[i]} instead of ${value}`];
  });
  expect(wrong).toEqual([]);
  expect(expected.filter((value) => !Number.isNaN(value)).length).toBeGreaterThan(100);
}

describe("against d3fc's golden values, within 1e-9,", () => {
  const ofCloses = series(closes);
  const ofOpens = series(opens);

  test.each([
    ["RSI(14)", () => ofCloses("RSI", 14), "rsi", "RSI"],
    ["SMA(10)", () => ofOpens("SMA", 10), "bollingerBands", "SMA"],
    ["EMA(9)", () => ofOpens("EMA", 9), "exponentialMovingAverage", "EMA"],
    ["EMA(12)", () => ofOpens("EMA", 12), "macd", "FASTEMA"],
    ["EMA(29)", () => ofOpens("EMA", 29), "macd", "SLOWEMA"],
    ["MACD(12, 29)", () => ofOpens("MACD", null), "macd", "MACD"],
    ["its signal(9)", () => ofOpens("MACD_SIGNAL", null), "macd", "SIGNAL"],
    ["its histogram", () => ofOpens("MACD_HISTOGRAM", null), "macd", "HISTOGRAM"],
  ] as const)("%s is equal, from the same bar on", (_name, actual, file, column) => {
    expectEqual(actual(), golden(file, column));
    const known = (values: readonly number[]) => values.map((value) => !Number.isNaN(value));
    expect(known(actual())).toEqual(known(golden(file, column)));
  });

  // Bollinger's own deviation is that of the population; d3fc's is the sample's, sqrt(n / (n - 1)) times as wide.
  test.each(["UPPER", "LOWER"])("the %s Bollinger band lies sqrt(10 / 9) times as far from the mean there", (side) => {
    const mean = ofOpens("SMA", 10);
    const band = ofOpens(`BOLLINGER_${side}`, 10);
    const wider = band.map((value, i) => mean[i]! + (value - mean[i]!) * Math.sqrt(10 / 9));
    expectEqual(wider, golden("bollingerBands", side));
  });

  test("MACD is TA-Lib's, whose fast average begins with the slow one's first value, once that has worn off", () => {
    const [fast, slow] = [new SeededEma(12), new SeededEma(26)];
    const set = new IndicatorSet();
    const differences = Array.from({ length: 300 }, (_, n) => {
      const close = 100 + 10 * Math.sin(n / 7) + (n % 5);
      const [begun, whole] = [n < 26 - 12 ? null : fast.add(close), slow.add(close)];
      const ours = set.add(close).find(({ name }) => name === "MACD")?.value;
      return begun === null || whole === null ? undefined : Math.abs(ours! - (begun - whole));
    });
    expect(differences.findIndex((difference) => difference !== undefined)).toBe(25);
    expect(differences[25]).toBeGreaterThan(0.1);
    expect(Math.max(...differences.slice(275).map(Number))).toBeLessThan(1e-12);
  });

  test("trading-signals' own EMA differs by its seed alone: the first difference, times 1 - alpha a bar", () => {
    const plain = new EMA(9);
    const theirs = opens.map((open) => plain.update(open, false));
    const ours = ofOpens("EMA", 9);
    const alpha = 2 / 10;
    const seedGap = ours[8]! - theirs[8]!;
    expect(Math.abs(seedGap)).toBeGreaterThan(0.01);
    const expected = theirs.map((value, i) => (i < 8 ? Number.NaN : value + seedGap * (1 - alpha) ** (i - 8)));
    expectEqual(ours, expected);
  });
});

test("an average is unknown before it has seen its period, and its first value is the plain mean", () => {
  const average = new SeededEma(3);
  expect([1, 2, 6, 3].map((value) => average.add(value))).toEqual([null, null, 3, 3]);
});
