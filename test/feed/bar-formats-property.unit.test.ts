import { describe, expect, it, test } from "vitest";
import { bars } from "../../producers/bars.ts";
import type { BarEvent } from "../../src/event/events.ts";
import { symbolId } from "../../src/event/identity.ts";
import type { FeedOptions } from "../../src/feed/feed.ts";
import { readText } from "../support/feeds/feed-files.ts";
import {
  barsArbitrary,
  type Decimal,
  decimalText,
  doubleOf,
  isTwice,
  type RandomBar,
  ROWS,
  RUNS,
  SINCE_2001,
  unitsText,
  wallOf,
} from "../support/feeds/random-rows.ts";
import fc from "../support/random/fast-check.ts";

const DAY = 86_400_000_000;
const DOT = { sign: ".", group: "", isFixed: true } as const;
const dot = (price: Decimal) => decimalText(price, DOT);
const grouped = (price: Decimal) => decimalText(price, { ...DOT, group: "," });
const quoted = (text: string) => `"${text}"`;
interface Layout {
  readonly head?: string;
  /** Prices are open, high, low, close. */
  row(bar: RandomBar, prices: readonly string[], volume: string): string;
  readonly options: FeedOptions;
  readonly name?: string;
  readonly price?: (price: Decimal) => string;
  readonly stepUs?: number;
  /** Zone of the written clock, whose hours that come twice are rejected. */
  readonly zone?: string;
  /** What the event says, where it isn't the row's own start and UTC. */
  readonly start?: (us: number) => number;
  readonly interval?: string;
  readonly source?: string;
  /** Whether the lines hold the time of day alone: rows of a later day are left out of the file. */
  readonly isOneDay?: boolean;
}

const utc = (us: number, format: string) => wallOf(us, "UTC").toFormat(format);
const IBM = { symbol: "IBM" };
const MINUTE = { ...IBM, interval: "1min" };
const NY = "America/New_York";
const EST = "Etc/GMT+5";

const BARS: Readonly<Record<string, Layout>> = {
  ohlcv: {
    head: "Date,Open,High,Low,Close,Volume",
    row: ({ us }, prices, volume) => [utc(us, "yyyy-MM-dd HH:mm:ss"), ...prices, volume].join(","),
    options: { ...MINUTE, tz: "UTC", decimal: "dot", source: "ohlcv" },
  },
  yfinance: {
    head: "Datetime,Open,High,Low,Close,Volume,Dividends,Stock Splits",
    row: ({ us }, prices, volume) =>
      [wallOf(us, NY).toFormat("yyyy-MM-dd HH:mm:ssZZ"), ...prices, volume, "0.0", "0.0"].join(","),
    options: MINUTE,
  },
  "yfinance-table": {
    head: "Price,Close,High,Low,Open,Volume\nTicker,IBM,IBM,IBM,IBM,IBM\nDate,,,,,",
    row: ({ us }, [open, high, low, close], volume) =>
      [utc(us, "yyyy-MM-dd HH:mm:ss"), close, high, low, open, volume].join(","),
    options: { interval: "1min", tz: "UTC" },
    source: "yfinance",
  },
  nasdaq: {
    head: "Date,Close/Last,Volume,Open,High,Low",
    row: ({ us }, [open, high, low, close], volume) =>
      [utc(us, "MM/dd/yyyy"), `$${close}`, volume, `$${open}`, `$${high}`, `$${low}`].join(","),
    options: IBM,
    stepUs: DAY,
    interval: "1d",
  },
  investing: {
    head: '"Date","Price","Open","High","Low","Vol.","Change %"',
    row: ({ us }, [open, high, low, close], volume) =>
      [utc(us, "MM/dd/yyyy"), close, open, high, low, volume, "0.1%"].map((cell) => quoted(cell!)).join(","),
    options: { ...IBM, decimal: "dot" },
    price: grouped,
    stepUs: DAY,
    interval: "1d",
  },
  barchart: {
    head: "Time,Open,High,Low,Last,Change,%Chg,Volume",
    row: ({ us }, prices, volume) =>
      [quoted(wallOf(us, "America/Chicago").toFormat("MM/dd/yyyy HH:mm")), ...prices, "0", "0%", volume].join(","),
    options: { ...MINUTE, tz: "America/Chicago", dateFormat: "mm/dd/yyyy" },
    zone: "America/Chicago",
  },
  stooq: {
    head: "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>",
    row: ({ us }, prices, volume) =>
      ["IBM", "1", utc(us, "yyyyMMdd"), utc(us, "HHmmss"), ...prices, volume, "0"].join(","),
    options: { tz: "UTC" },
  },
  cryptodatadownload: {
    head: "www.CryptoDataDownload.com\nUnix,Date,Symbol,Open,High,Low,Close,Volume IBM,Volume USDT,tradecount",
    row: ({ us }, prices, volume) =>
      [us / 1000, utc(us, "yyyy-MM-dd HH:mm:ss"), "IBM", ...prices, volume, "1.5", "7"].join(","),
    options: { interval: "1min", unit: "ms" },
  },
  "polygon-bars": {
    head: "ticker,volume,open,close,high,low,window_start,transactions",
    row: ({ us }, [open, high, low, close], volume) =>
      ["IBM", volume, open, close, high, low, `${us}000`, "9"].join(","),
    options: { interval: "1min" },
  },
  "alpaca-bars": {
    head: "symbol,timestamp,open,high,low,close,volume,trade_count,vwap",
    row: ({ us }, prices, volume) => ["IBM", utc(us, "yyyy-MM-dd HH:mm:ssZZ"), ...prices, volume, "9", "1.5"].join(","),
    options: { interval: "1min" },
  },
  "databento-ohlcv": {
    head: "ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume,symbol",
    row: ({ us }, prices, volume) => [`${us}000`, "33", "1", "5482", ...prices, volume, "IBM"].join(","),
    options: { priceScale: "1e-9" },
    price: (price) => unitsText(price, 9),
  },
  ibkr: {
    head: "date,open,high,low,close,volume,average,barCount",
    row: ({ us }, prices, volume) =>
      [wallOf(us, "US/Eastern").toFormat("yyyyMMdd HH:mm:ss 'US/Eastern'"), ...prices, volume, "1.5", "9"].join(","),
    options: { ...MINUTE, sizeScale: "1" },
    zone: "US/Eastern",
  },
  tradestation: {
    head: '"Date","Time","Open","High","Low","Close","Up","Down"',
    row: ({ us }, prices, volume) => {
      const end = wallOf(us + 60_000_000, NY);
      return [end.toFormat("MM/dd/yyyy"), end.toFormat("HH:mm"), ...prices, volume, "5"].join(",");
    },
    options: { ...MINUTE, tz: NY, dateFormat: "mm/dd/yyyy" },
    zone: NY,
  },
  dukascopy: {
    head: "Gmt time,Open,High,Low,Close,Volume",
    row: ({ us }, prices, volume) => [utc(us, "dd.MM.yyyy HH:mm:ss.SSS"), ...prices, volume].join(","),
    options: MINUTE,
  },
  histdata: {
    row: ({ us }, prices, volume) => [wallOf(us, EST).toFormat("yyyyMMdd HHmmss"), ...prices, volume].join(";"),
    options: {},
    name: "DAT_ASCII_EURUSD_M1_2012.csv",
  },
  "metatrader-rows": {
    row: ({ us }, prices, volume) => [utc(us, "yyyy.MM.dd"), utc(us, "HH:mm"), ...prices, volume].join(","),
    options: { ...MINUTE, tz: "UTC", source: "metatrader-rows" },
  },
  metatrader: {
    head: "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>",
    row: ({ us }, prices, volume) =>
      [utc(us, "yyyy.MM.dd"), utc(us, "HH:mm:ss"), ...prices, volume, "0", "1"].join("\t"),
    options: { ...MINUTE, tz: "UTC", source: "metatrader", column: ["volume=<TICKVOL>"] },
  },
  "kraken-ohlcvt": {
    row: ({ us }, prices, volume) => [us / 1e6, ...prices, volume, "7"].join(","),
    options: { format: "kraken-ohlcvt" },
    name: "XBTUSD_1.csv",
  },
  "lean-days": {
    row: ({ us }, prices, volume) => [wallOf(us, NY).toFormat("yyyyMMdd HH:mm"), ...prices, volume].join(","),
    options: { ...IBM, asset: "equity", interval: "1h" },
    price: (price) => String(price.digits),
    stepUs: 3_600_000_000,
    zone: NY,
    interval: "1h",
    source: "lean",
  },
  "lean-minutes": {
    row: ({ us }, prices, volume) => [(us % DAY) / 1000, ...prices, volume].join(","),
    options: { ...MINUTE, format: "lean-minutes", asset: "crypto" },
    isOneDay: true,
    source: "lean-crypto",
  },
  jsonl: {
    row: ({ us }, [open, high, low, close], volume) =>
      `{"timestamp":"${utc(us, "yyyy-MM-dd'T'HH:mm:ss'Z'")}","open":${open},"high":${high},"low":${low},` +
      `"close":${close},"volume":${volume}}`,
    options: { ...MINUTE, source: "jsonl" },
  },
  "binance-klines": {
    row: ({ us }, prices, volume) => [us, ...prices, volume, us + 59_999_999, "1.5", "3", "1.5", "1.5", "0"].join(","),
    options: { ...IBM },
  },
};

const TICKER: Readonly<Record<string, string>> = { histdata: "EURUSD", "kraken-ohlcvt": "XBTUSD" };
/** Lean's prices are whole 1/10000 whatever their places. */
const priceOf = (name: string, price: Decimal) =>
  name === "lean-days" ? Number(`${price.digits}e-4`) : doubleOf(price);

describe("10,000 rows of every format of bars", () => {
  it.each(Object.keys(BARS))("%s are read back equal, to the microsecond and the last digit", async (name) => {
    const layout = BARS[name]!;
    const write = layout.price ?? dot;
    const check = async (all: readonly RandomBar[]) => {
      const date = utc(all[0]!.us, "yyyy-MM-dd");
      const rows = layout.isOneDay ? all.filter(({ us }) => utc(us, "yyyy-MM-dd") === date) : all;
      const lines = rows.map((bar) => layout.row(bar, bar.prices.map(write), dot(bar.volume)));
      const text = [...(layout.head === undefined ? [] : [layout.head]), ...lines].join("\n");
      const { feed, events } = await readText(bars, layout.name ?? "x.csv", text, {
        ...layout.options,
        ...(layout.isOneDay ? { date } : {}),
      });
      const zone = layout.zone;
      const written = rows.filter(
        ({ us }) => zone === undefined || !isTwice(us + (name === "tradestation" ? 60_000_000 : 0), zone),
      );
      const extra = name === "tradestation" ? 5 : 0;
      expect(feed.description.format).toBe(name);
      expect(events.map(seen)).toEqual(
        written.map(({ us, prices, volume }) => {
          const [open, high, low, close] = prices.map((price) => priceOf(name, price));
          const own = { symbol_id: symbolId(TICKER[name] ?? "IBM", null), source: layout.source ?? name };
          return {
            ...own,
            timestamp: us,
            open,
            high,
            low,
            close,
            volume: doubleOf(volume) + extra,
            interval: layout.interval ?? "1min",
          };
        }),
      );
    };
    await fc.assert(fc.asyncProperty(barsArbitrary(ROWS, SINCE_2001, layout.stepUs), check), RUNS);
  });
});

test("no format of bars is without such rows", () => {
  const names = bars.formats.map(({ name }) => name).filter((name) => !(name in BARS));
  expect(names).toEqual(["lean-quote-bars"]);
});

const seen = ({ symbol_id, source, timestamp, open, high, low, close, volume, interval }: BarEvent) => ({
  ...{ symbol_id, source, timestamp, open, high, low, close, volume, interval },
});
