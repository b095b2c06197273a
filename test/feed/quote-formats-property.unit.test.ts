import { writeFileSync } from "node:fs";
import { describe, expect, it, test } from "vitest";
import { quotes } from "../../producers/quotes.ts";
import type { QuoteEvent } from "../../src/event/events.ts";
import { symbolId } from "../../src/event/identity.ts";
import type { FeedOptions } from "../../src/feed/feed.ts";
import { fileOf, readText } from "../support/feeds/feed-files.ts";
import {
  type Decimal,
  type DecimalLayout,
  decimalText,
  doubleOf,
  isTwice,
  lineOf,
  ROWS,
  RUNS,
  unitsText,
  wallOf,
} from "../support/feeds/random-rows.ts";
import fc from "../support/random/fast-check.ts";

const DAY = 86_400_000_000;
const dot = (price: Decimal) => decimalText(price, { sign: ".", group: "", isFixed: true });
const utc = (us: number, format: string) => wallOf(us, "UTC").toFormat(format);
const IBM = { symbol: "IBM" };

interface Side {
  readonly price: Decimal;
  readonly size: Decimal;
}

interface RandomQuote {
  readonly us: number;
  readonly ns: number;
  /** Null where nobody quotes; never both. */
  readonly bid: Side | null;
  readonly ask: Side | null;
}

const digits = fc.integer({ min: 1, max: 90_000_000 });

/** Quotes of one UTC day, from its midnight on; crossed and locked ones as chance has it. */
const quotesArbitrary = (isOneSided: boolean) =>
  fc
    .tuple(fc.integer({ min: 1_100_000_000, max: 1_720_000_000 }), fc.integer({ min: 0, max: 6 }))
    .chain(([first, places]) =>
      fc
        .array(fc.tuple(fc.nat(40_000_000), fc.nat(999), digits, digits, digits, fc.nat(9)), {
          minLength: ROWS,
          maxLength: ROWS,
        })
        .map((rows) => {
          let us = Math.floor(first / 86_400) * DAY;
          return rows.map(([step, ns, bid, ask, size, none]): RandomQuote => {
            us += step;
            const side = (price: number): Side => ({
              price: { digits: price, places },
              size: { digits: size, places: 2 },
            });
            return {
              ...{ us, ns },
              bid: isOneSided && none === 0 ? null : side(bid),
              ask: isOneSided && none === 1 ? null : side(ask),
            };
          });
        }),
    );

type Cells = readonly [bid: string, bidSize: string, ask: string, askSize: string];

interface Layout {
  readonly head?: string;
  row(quote: RandomQuote, cells: Cells, i: number): string;
  readonly options?: FeedOptions;
  readonly price?: (price: Decimal) => string;
  readonly size?: (size: Decimal) => string;
  /** What stands for a side that nobody quotes: its price and its size; undefined where layouts can't say it. */
  readonly none?: readonly [string, string];
  /** The least that the layout can say of a time, in nanoseconds. */
  readonly stepNs: number;
  readonly hasSizes?: false;
  readonly isDated?: true;
  readonly source?: string;
}

const nanos = ({ us, ns }: RandomQuote) => `${us}${String(ns).padStart(3, "0")}`;
const isoNanos = ({ us, ns }: RandomQuote) =>
  `${utc(us, "yyyy-MM-dd'T'HH:mm:ss")}.${String(us % 1e6).padStart(6, "0")}${String(ns).padStart(3, "0")}Z`;
const msOfDay = ({ us, ns }: RandomQuote) =>
  `${Math.floor((us % DAY) / 1000)}.${String(us % 1000).padStart(3, "0")}${String(ns).padStart(3, "0")}`;
const ZERO = ["0", "0"] as const;

const QUOTES: Readonly<Record<string, Layout>> = {
  quotes: {
    head: "timestamp,bid,bid_size,ask,ask_size",
    row: (quote, cells) => [isoNanos(quote), ...cells].join(","),
    options: { ...IBM, decimal: "dot", source: "quotes" },
    stepNs: 1,
  },
  "polygon-quotes": {
    head: [
      "ticker,ask_exchange,ask_price,ask_size,bid_exchange",
      "bid_price,bid_size,conditions,indicators,participant_timestamp",
      "sequence_number,sip_timestamp,tape,trf_timestamp",
    ].join(","),
    row: (quote, [bid, bidSize, ask, askSize], i) =>
      ["IBM", 12, ask, askSize, 11, bid, bidSize, '"1,92"', "", 1, i, nanos(quote), 3, 0].join(","),
    options: { sizeScale: "1" },
    none: ZERO,
    stepNs: 1,
  },
  "alpaca-quotes": {
    head: "symbol,timestamp,bid_exchange,bid_price,bid_size,ask_exchange,ask_price,ask_size,conditions,tape",
    row: (quote, [bid, bidSize, ask, askSize]) =>
      ["IBM", isoNanos(quote), "V", bid, bidSize, "Q", ask, askSize, "R", "C"].join(","),
    options: { sizeScale: "1" },
    none: ZERO,
    stepNs: 1,
  },
  "databento-quotes": {
    head: "ts_event,rtype,publisher_id,action,side,sequence,bid_px_00,ask_px_00,bid_sz_00,ask_sz_00,symbol",
    row: (quote, [bid, bidSize, ask, askSize], i) =>
      [nanos(quote), 1, 1, "A", "B", i, bid, ask, bidSize, askSize, "IBM"].join(","),
    options: { priceScale: "1e-9" },
    price: (price) => unitsText(price, 9),
    none: ["9223372036854775807", "0"],
    stepNs: 1,
  },
  "binance-bookticker": {
    head: "update_id,best_bid_price,best_bid_qty,best_ask_price,best_ask_qty,transaction_time,event_time",
    row: (quote, cells, i) => [i, ...cells, Math.floor(quote.us / 1000), 1].join(","),
    options: { ...IBM, market: "um" },
    none: ZERO,
    stepNs: 1_000_000,
    source: "binance-um-bookticker",
  },
  "lean-quotes": {
    row: (quote, cells) => [msOfDay(quote), ...cells, "P", "0", "0"].join(","),
    options: { ...IBM, tz: "UTC" },
    isDated: true,
    price: ({ digits }) => String(digits),
    none: ZERO,
    stepNs: 1,
  },
  "histdata-ticks": {
    row: ({ us }, [bid, , ask]) => [wallOf(us, "Etc/GMT+5").toFormat("yyyyMMdd HHmmssSSS"), bid, ask, 0].join(","),
    options: IBM,
    stepNs: 1_000_000,
    hasSizes: false,
  },
  "dukascopy-ticks": {
    head: "Gmt time,Ask,Bid,AskVolume,BidVolume",
    row: ({ us }, [bid, bidSize, ask, askSize]) =>
      [utc(us, "dd.MM.yyyy HH:mm:ss.SSS"), ask, bid, askSize, bidSize].join(","),
    options: IBM,
    stepNs: 1_000_000,
  },
  truefx: {
    row: ({ us }, [bid, , ask]) => ["EUR/USD", utc(us, "yyyyMMdd HH:mm:ss.SSS"), bid, ask].join(","),
    options: { symbol: "EUR/USD" },
    stepNs: 1_000_000,
    hasSizes: false,
  },
  jsonl: {
    row: (quote, [bid, bidSize, ask, askSize], i) =>
      `{"timestamp":"${isoNanos(quote)}","bid_price":${bid},"bid_size":${bidSize},"ask_price":${ask},` +
      `"ask_size":${askSize},"source":"jsonl","sequence":"${i}"}`,
    options: IBM,
    none: ["null", "null"],
    stepNs: 1,
  },
};

const seen = ({
  symbol_id,
  source,
  timestamp,
  timestamp_ns,
  bid_price,
  bid_size,
  ask_price,
  ask_size,
}: QuoteEvent) => ({
  ...{ symbol_id, source, timestamp, timestamp_ns: timestamp_ns ?? 0 },
  ...{ bid_price, bid_size, ask_price, ask_size },
});

describe("10,000 rows of every format of quotes", () => {
  it.each(Object.keys(QUOTES))(
    "%s are read back equal, to the last digit, with the sides that nobody quotes",
    async (name) => {
      const { head, row, options, price = dot, size = dot, none, stepNs, hasSizes, isDated, source } = QUOTES[name]!;
      const check = async (rows: readonly RandomQuote[]) => {
        const sideCells = (side: Side | null) => (side === null ? none! : [price(side.price), size(side.size)]);
        const cellsOf = ({ bid, ask }: RandomQuote) => [...sideCells(bid), ...sideCells(ask)] as unknown as Cells;
        const lines = rows.map((quote, i) => row(quote, cellsOf(quote), i + 1));
        const text = [...(head === undefined ? [] : [head]), ...lines].join("\n");
        const dated = isDated ? { date: utc(rows[0]!.us, "yyyy-MM-dd") } : {};
        const { feed, events, rejections } = await readText(quotes, "x.csv", text, { ...options, ...dated });
        expect([feed.description.format, rejections]).toEqual([name, []]);
        const priceOf = (side: Side | null) =>
          side === null ? null : isDated ? Number(`${side.price.digits}e-4`) : doubleOf(side.price);
        const sizeOf = (side: Side | null) => (side === null || hasSizes === false ? null : doubleOf(side.size));
        expect(events.map(seen)).toEqual(
          rows.map(({ us, ns, bid, ask }) => ({
            ...{ symbol_id: symbolId(options?.symbol ?? "IBM", null), source: source ?? name },
            timestamp: stepNs > 1000 ? us - (us % (stepNs / 1000)) : us,
            timestamp_ns: stepNs === 1 ? ns : 0,
            ...{ bid_price: priceOf(bid), bid_size: sizeOf(bid), ask_price: priceOf(ask), ask_size: sizeOf(ask) },
          })),
        );
      };
      await fc.assert(fc.asyncProperty(quotesArbitrary(none !== undefined), check), RUNS);
    },
  );
});

test("no format of quotes is without such rows", () => {
  expect(quotes.formats.map(({ name }) => name).filter((name) => !(name in QUOTES))).toEqual([]);
});

const ZONES = ["UTC", "America/New_York", "Australia/Lord_Howe"];
const layouts = fc.record({
  delimiter: fc.constantFrom(",", ";", "\t"),
  numbers: fc.record({ sign: fc.constantFrom<"." | ",">(".", ","), isFixed: fc.boolean() }),
  zone: fc.constantFrom(...ZONES),
  hasHeader: fc.boolean(),
  rows: quotesArbitrary(true),
});
const NAMES = ["when", "b", "bs", "a", "as"];

test("10,000 quotes by maps of random layouts are read back equal, but for hours that come twice", async () => {
  const run = async ({
    delimiter,
    numbers,
    zone,
    hasHeader,
    rows,
  }: typeof layouts extends fc.Arbitrary<infer L> ? L : never) => {
    const layout: DecimalLayout = { ...numbers, group: "" };
    const cellsOf = (side: Side | null) =>
      side === null ? ["none", ""] : [decimalText(side.price, layout), decimalText(side.size, layout)];
    const lines = rows.map(({ us, bid, ask }) =>
      lineOf([wallOf(us, zone).toFormat("yyyy-MM-dd HH:mm:ss.SSS"), ...cellsOf(bid), ...cellsOf(ask)], delimiter),
    );
    const map = fileOf("q.map.json", "");
    const column = (at: number) => (hasHeader ? NAMES[at]! : at + 1);
    writeFileSync(
      map,
      JSON.stringify({
        ...{ version: 1, kind: "quotes", source: "map", delimiter, header: hasHeader, symbol: { fixed: "IBM" } },
        columns: { bid_price: column(1), bid_size: column(2), ask_price: column(3), ask_size: column(4) },
        numbers: { decimal: numbers.sign },
        ...{ time: { columns: [column(0)], format: "iso", zone }, noQuote: ["none"] },
      }),
    );
    const text = [...(hasHeader ? [NAMES.join(delimiter)] : []), ...lines].join("\n");
    const { events, rejections } = await readText(quotes, "q.csv", text, { map });
    const once = rows.filter(({ us }) => !isTwice(us, zone));
    expect(rejections.length).toBe(rows.length - once.length);
    expect(events.map(({ timestamp, bid_price, ask_size }) => [timestamp, bid_price, ask_size])).toEqual(
      once.map(({ us, bid, ask }) => [
        us - (us % 1000),
        bid === null ? null : doubleOf(bid.price),
        ask === null ? null : doubleOf(ask.size),
      ]),
    );
  };
  await fc.assert(fc.asyncProperty(layouts, run), RUNS);
});
