import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { bars } from "../../producers/bars.ts";
import { TradetapeError } from "../../src/errors.ts";
import type { BarEvent } from "../../src/event/events.ts";
import { symbolId } from "../../src/event/identity.ts";
import type { FeedOptions } from "../../src/feed/feed.ts";
import { fileOf, readFile } from "../support/feeds/feed-files.ts";
import {
  barsArbitrary,
  decimalText,
  doubleOf,
  isTwice,
  lineOf,
  type RandomBar,
  SINCE_1975,
  wallOf,
} from "../support/feeds/random-rows.ts";
import fc from "../support/random/fast-check.ts";

/** For a machine that does something else meanwhile: nothing here waits for a time. */
/** Without shrinking: a smaller file of 100 rows is no easier to read. */
const RUNS = { numRuns: 100, seed: 15, endOnFailure: true };
const ROWS = 100;
const ZONES = ["UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata"];

/** Ways of writing a time: what a map calls it, the cells, and whether the text says its zone. */
const TIMES: Readonly<Record<string, { cells(us: number, zone: string): string[]; isZoned?: true; flag?: string }>> = {
  iso: { cells: (us, zone) => [wallOf(us, zone).toFormat("yyyy-MM-dd HH:mm:ss")] },
  "iso with offset": { cells: (us, zone) => [wallOf(us, zone).toFormat("yyyy-MM-dd'T'HH:mm:ssZZ")], isZoned: true },
  yyyymmdd: { cells: (us, zone) => [wallOf(us, zone).toFormat("yyyyMMdd HHmmss")] },
  "yyyy.mm.dd": { cells: (us, zone) => [wallOf(us, zone).toFormat("yyyy.MM.dd HH:mm")] },
  "dd/mm/yyyy": { cells: (us, zone) => [wallOf(us, zone).toFormat("dd/MM/yyyy HH:mm")] },
  "mm/dd/yyyy": { cells: (us, zone) => [wallOf(us, zone).toFormat("M/d/yyyy h:mm a")] },
  "two columns": { cells: (us, zone) => [wallOf(us, zone).toFormat("yyyy-MM-dd"), wallOf(us, zone).toFormat("HH:mm")] },
  "compact columns": {
    cells: (us, zone) => [wallOf(us, zone).toFormat("yyyyMMdd"), wallOf(us, zone).toFormat("HHmm")],
  },
  s: { cells: (us) => [String(us / 1e6)], isZoned: true },
  ms: { cells: (us) => [String(us / 1e3)], isZoned: true },
  us: { cells: (us) => [String(us)], isZoned: true },
  ns: { cells: (us) => [`${us}000`], isZoned: true },
};

const layouts = fc.record({
  delimiter: fc.constantFrom(",", ";", "\t", "|"),
  sign: fc.constantFrom(".", ","),
  hasGroups: fc.boolean(),
  isFixed: fc.boolean(),
  time: fc.constantFrom(...Object.keys(TIMES)),
  zone: fc.constantFrom(...ZONES),
  hasHeader: fc.boolean(),
  hasSymbols: fc.boolean(),
  scale: fc.constantFrom(0, -2, -4, -9),
  skip: fc.integer({ min: 0, max: 3 }),
  extra: fc.integer({ min: 0, max: 2 }),
  order: fc.array(fc.nat(), { minLength: 12, maxLength: 12 }),
  rows: barsArbitrary(ROWS, SINCE_1975),
});
type Layout = typeof layouts extends fc.Arbitrary<infer L> ? L : never;

const SYMBOLS = ["IBM", "AAPL"];

interface Written {
  readonly text: string;
  readonly names: readonly string[];
  readonly expected: readonly (BarEvent | undefined)[];
}

/** The file of a layout, and the bars that have to come out; undefined for a row whose time its zone has twice. */
function write(layout: Layout, names: Readonly<Record<string, string>>): Written {
  const { delimiter, sign, hasGroups, isFixed, zone, hasHeader, hasSymbols, scale, skip, extra, rows } = layout;
  const style = { sign, group: hasGroups ? (sign === "." ? "," : ".") : "", isFixed } as const;
  const time = TIMES[layout.time]!;
  const scaled = (price: RandomBar["prices"][number]) => (scale === 0 ? price : { ...price, places: 0 });
  const cellsOf = (bar: RandomBar, i: number): [string, string][] => [
    ...time.cells(bar.us, zone).map((cell, at): [string, string] => [at === 0 ? names.time! : names.clock!, cell]),
    ...["open", "high", "low", "close"].map((field, at): [string, string] => [
      names[field]!,
      decimalText(scaled(bar.prices[at]!), style),
    ]),
    [names.volume!, decimalText(bar.volume, style)],
    ...(hasSymbols ? [[names.symbol!, SYMBOLS[i % 2]!] as [string, string]] : []),
    ...Array.from({ length: extra }, (_, n): [string, string] => [`Adj Close ${n}`, "7"]),
  ];
  const shuffled = (cells: readonly [string, string][]) =>
    cells
      .map((cell, i) => [layout.order[i] ?? 0, cell] as const)
      .sort((a, b) => a[0] - b[0])
      .map(([, cell]) => cell);
  const all = rows.map((bar, i) => shuffled(cellsOf(bar, i)));
  const header = all[0]!.map(([name]) => name);
  const banner = Array.from({ length: skip }, (_, i) => `this is no row ${i}`);
  const lines = [
    ...banner,
    ...(hasHeader ? [lineOf(header, delimiter)] : []),
    ...all.map((cells) =>
      lineOf(
        cells.map(([, cell]) => cell),
        delimiter,
      ),
    ),
  ];
  const expected = rows.map((bar, i) =>
    time.isZoned === undefined && isTwice(bar.us, zone)
      ? undefined
      : event(bar, scale, hasSymbols ? SYMBOLS[i % 2]! : "IBM"),
  );
  return { text: `${lines.join("\n")}\n`, names: header, expected };
}

function event({ us, prices, volume }: RandomBar, scale: number, ticker: string): BarEvent {
  const [open, high, low, close] = prices.map((price) =>
    scale === 0 ? doubleOf(price) : Number(`${price.digits}e${scale}`),
  ) as [number, number, number, number];
  return {
    symbol_id: symbolId(ticker, null),
    timestamp: us,
    open,
    high,
    low,
    close,
    volume: doubleOf(volume),
    interval: "1min",
  } as BarEvent;
}

/** A map that says all of the layout. */
function mapOf(layout: Layout, header: readonly string[], names: Readonly<Record<string, string>>): object {
  const { delimiter, sign, hasGroups, zone, hasHeader, hasSymbols, scale, skip, time } = layout;
  const column = (field: string) => (hasHeader ? names[field]! : header.indexOf(names[field]!) + 1);
  const isTwo = TIMES[time]!.cells(0, "UTC").length === 2;
  const unit = ["s", "ms", "us", "ns"].find((name) => name === time);
  const format = { "iso with offset": "iso", "two columns": "iso", "compact columns": "yyyymmdd" }[time] ?? time;
  return {
    version: 1,
    kind: "bars",
    source: "map",
    delimiter,
    skip,
    header: hasHeader,
    columns: Object.fromEntries(["open", "high", "low", "close", "volume"].map((field) => [field, column(field)])),
    numbers: { decimal: sign, group: hasGroups ? (sign === "." ? "," : ".") : "", priceScale: Number(`1e${scale}`) },
    time: {
      columns: isTwo ? [column("time"), column("clock")] : [column("time")],
      ...(unit ? { format: "epoch", unit } : { format, zone }),
    },
    symbol: hasSymbols ? { column: column("symbol") } : { fixed: "IBM" },
    interval: "1min",
  };
}

const seen = ({ symbol_id, timestamp, open, high, low, close, volume, interval }: BarEvent) =>
  ({ symbol_id, timestamp, open, high, low, close, volume, interval }) as BarEvent;

async function check({ text, expected }: Written, options: FeedOptions): Promise<void> {
  const { events, rejections } = await readFile(bars, fileOf("random.csv", text), options);
  expect(events.map(seen)).toEqual(expected.filter((bar) => bar !== undefined));
  expect(rejections.length).toBe(expected.length - events.length);
}

const PLAIN = {
  time: "when",
  clock: "at",
  open: "first",
  high: "top",
  low: "bottom",
  close: "final",
  volume: "amount",
  symbol: "who",
};
const KNOWN = {
  time: "Date",
  clock: "Time",
  open: "Open",
  high: "High",
  low: "Low",
  close: "Close",
  volume: "Volume",
  symbol: "Symbol",
};

describe("10,000 rows in random layouts", () => {
  it("are read back equal, to the microsecond and the last digit, by the map of their layout", async () => {
    const run = async (layout: Layout) => {
      const written = write(layout, PLAIN);
      const map = fileOf("layout.map.json", "");
      writeFileSync(map, JSON.stringify(mapOf(layout, written.names, PLAIN)));
      await check(written, { map });
    };
    await fc.assert(fc.asyncProperty(layouts, run), RUNS);
  });
  it("are read back equal without a map, or something is asked or refused", async () => {
    let exact = 0;
    const run = async (layout: Layout) => {
      const written = write({ ...layout, hasHeader: true, scale: 0 }, KNOWN);
      const { zone: tz, hasSymbols } = layout;
      const options = { tz, source: "desk", ...(hasSymbols ? { symbols: "all" } : { symbol: "IBM" }) };
      try {
        await check(written, options);
        exact++;
      } catch (error) {
        if (!(error instanceof TradetapeError) || error.code !== "input_invalid") throw error;
      }
    };
    await fc.assert(fc.asyncProperty(layouts, run), { ...RUNS, numRuns: 200 });
    expect(exact).toBeGreaterThan(60);
  });
});
