import type { FeedDraft } from "../decide/draft.ts";
import { databentoScale, UNDEFINED_PRICE } from "./databento.ts";
import { hasColumns, type MappedFormat } from "./mapped.ts";

const DAY = 86_400_000_000;
/** The lengths that sites with a choice of daily, weekly and monthly rows have. */
const DAYS: NonNullable<FeedDraft["among"]> = [
  ["1d", DAY],
  ["1w", 7 * DAY],
  ["1mo", 28 * DAY],
];
export const YFINANCE: NonNullable<FeedDraft["among"]> = [
  ["1d", DAY],
  ["5d", 5 * DAY],
  ["1w", 7 * DAY],
  ["1mo", 28 * DAY],
  ["3mo", 89 * DAY],
];
export const OHLC = { open: "open", high: "high", low: "low", close: "close" };
/** Programs write no groups: a comma means that the file was written again by another one. */
export const DOT = { decimal: ".", group: "" } as const;
export const SYMBOL_TZ = "--symbol; --tz for times of day";

export const yfinance: MappedFormat = {
  name: "yfinance",
  about: "yfinance's Ticker.history: bars with Dividends and Stock Splits",
  sample: [
    "Date,Open,High,Low,Close,Volume,Dividends,Stock Splits",
    "2024-11-01 00:00:00-04:00,220.9,225.3,220.2,222.9,65276700,0.0,0.0",
  ],
  asks: "--symbol; --interval for rows less than a day apart",
  map: { numbers: DOT },
  among: YFINANCE,
  detects: hasColumns("Open", "High", "Low", "Close", "Volume", "Dividends", "Stock Splits"),
};

export const nasdaq: MappedFormat = {
  name: "nasdaq",
  about: "Nasdaq.com's historical quotes: mm/dd/yyyy, dollar signs, Close/Last",
  sample: ["Date,Close/Last,Volume,Open,High,Low", "03/15/2024,$172.62,121752700,$171.17,$172.62,$170.285"],
  asks: "--symbol",
  map: { numbers: { decimal: ".", group: "," }, time: { format: "mm/dd/yyyy" }, interval: "1d" },
  detects: hasColumns("Date", "Close/Last", "Volume", "Open", "High", "Low"),
};

export const investing: MappedFormat = {
  name: "investing",
  about: "Investing.com's historical data: Price is the close, Vol. like 3.49M",
  sample: [
    '"Date","Price","Open","High","Low","Vol.","Change %"',
    '"03/14/2024","5,150.48","5,175.14","5,176.85","5,123.30","3.49M","-0.29%"',
  ],
  asks: "--symbol; --date-format while no day is beyond the 12th; --missing-volume 0 for instruments without one",
  map: {
    columns: { open: "Open", high: "High", low: "Low", close: "Price", volume: "Vol." },
    time: { columns: ["Date"] },
  },
  among: DAYS,
  detects: hasColumns("Date", "Price", "Open", "High", "Low", "Vol.", "Change %"),
};

export const barchart: MappedFormat = {
  name: "barchart",
  about: "Barchart's downloads: Last is the close, a last line that says where it is from",
  sample: ["Time,Open,High,Low,Last,Change,%Chg,Volume", '"03/15/2024 09:30",1,2,0.5,1.5,0.1,1%,100'],
  asks: `${SYMBOL_TZ}; --interval for few rows`,
  map: {
    columns: { ...OHLC, close: "Last", volume: "Volume" },
    numbers: DOT,
    time: { columns: ["Time"] },
    comments: ['"Downloaded from', "Downloaded from"],
  },
  detects: hasColumns("Time", "Open", "High", "Low", "Last", "%Chg", "Volume"),
};

export const polygonBars: MappedFormat = {
  name: "polygon-bars",
  about: "flat files of Polygon (Massive) with minutes or days of all tickers; window_start in nanoseconds",
  sample: [
    "ticker,volume,open,close,high,low,window_start,transactions",
    "AAPL,4930,200.29,200.5,200.63,200.29,1744792500000000000,129",
  ],
  asks: "--symbols; --interval where few rows don't tell minutes from days",
  map: {
    columns: { ...OHLC, volume: "volume" },
    numbers: DOT,
    time: { columns: ["window_start"], format: "epoch", unit: "ns" },
    symbol: { column: "ticker" },
  },
  detects: hasColumns("ticker", "volume", "open", "close", "high", "low", "window_start", "transactions"),
};

export const alpacaBars: MappedFormat = {
  name: "alpaca-bars",
  about: "Alpaca's bars as tables: symbol, timestamp, trade_count, vwap",
  sample: [
    "symbol,timestamp,open,high,low,close,volume,trade_count,vwap",
    "AAPL,2024-01-02 05:00:00+00:00,187.15,188.44,183.89,185.64,82488674,1009074,185.9",
  ],
  asks: "--symbols for several; --interval for few rows",
  map: {
    columns: { ...OHLC, volume: "volume" },
    numbers: DOT,
    time: { columns: ["timestamp"] },
    symbol: { column: "symbol" },
  },
  detects: hasColumns("symbol", "timestamp", "open", "high", "low", "close", "volume", "trade_count", "vwap"),
};

export const databentoBars: MappedFormat = {
  name: "databento-ohlcv",
  about: "Databento's OHLCV as CSV: times in nanoseconds or ISO, prices in 1e-9 or decimal, rtype says the length",
  sample: [
    "ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume,symbol",
    "1609160400000000000,33,1,5482,3720250000000,3721000000000,3720000000000,3720750000000,1234,ESH1",
  ],
  asks: "--symbols for several",
  map: {
    columns: { ...OHLC, volume: "volume" },
    numbers: DOT,
    time: { columns: ["ts_event"] },
    symbol: { column: "symbol" },
    interval: { column: "rtype", words: { "32": "1s", "33": "1min", "34": "1h", "35": "1d" } },
    nulls: [UNDEFINED_PRICE],
  },
  detects: hasColumns("ts_event", "rtype", "publisher_id", "open", "high", "low", "close", "volume", "symbol"),
  refine: databentoScale(["open", "high", "low", "close"]),
};

export const ibkr: MappedFormat = {
  name: "ibkr",
  about: "Interactive Brokers' historical bars as ib_insync writes them: average and barCount",
  sample: [
    "date,open,high,low,close,volume,average,barCount",
    "20240102 09:30:00 US/Eastern,187.1,187.4,187.0,187.2,1000,187.2,300",
  ],
  asks: `${SYMBOL_TZ} without a zone; --size-scale 100 or 1; --interval for few rows`,
  map: {
    columns: { ...OHLC, volume: "volume" },
    numbers: DOT,
    time: { columns: ["date"] },
    // What bars of midpoints, bids and asks have.
    nulls: ["-1", "-1.0"],
  },
  detects: hasColumns("date", "open", "high", "low", "close", "volume", "average", "barCount"),
  refine: ({ decisions, options }, _layout, draft) => {
    if (options.sizeScale !== undefined) return draft;
    const why = "volumes of US shares are in lots of 100 before TWS 985 and in its compatibility mode, in shares else";
    decisions.ask({ what: "size scale", why, flag: "--size-scale 100 or 1", place: "numbers.sizeScale" }, undefined);
    return draft;
  },
};

export const tradeStation: MappedFormat = {
  name: "tradestation",
  about: "TradeStation's export: a bar's time is its end, volume is Up and Down together",
  sample: ['"Date","Time","Open","High","Low","Close","Up","Down"', "01/16/2024,09:31,187.1,187.4,187.0,187.2,600,400"],
  asks: "--symbol, --tz; --date-format while no day is beyond the 12th; --interval for few rows",
  map: {
    columns: { ...OHLC, volume: ["Up", "Down"] },
    numbers: DOT,
    time: { columns: ["Date", "Time"], stamp: "end" },
  },
  detects: hasColumns("Date", "Time", "Open", "High", "Low", "Close", "Up", "Down"),
};
