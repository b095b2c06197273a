import type { Format } from "../format.ts";
import {
  cryptoDataDownload,
  dukascopy,
  histdata,
  kraken,
  metatrader,
  metatraderRows,
  ohlcv,
  stooq,
} from "./bar-files.ts";
import {
  alpacaBars,
  barchart,
  databentoBars,
  ibkr,
  investing,
  nasdaq,
  polygonBars,
  tradeStation,
  yfinance,
} from "./bar-sites.ts";
import { binanceAggTrades, binanceTrades } from "./binance.ts";
import { jsonLines } from "./json-lines.ts";
import { binanceKlines } from "./klines.ts";
import { isLeanQuote, leanQuotes } from "./lean/quotes.ts";
import { leanCrypto, leanDays, leanMinutes, quotesOf } from "./lean/tables.ts";
import { leanTicks } from "./lean/trades.ts";
import { hasHeaderOf, hasRow, mapped } from "./mapped.ts";
import {
  alpacaQuotes,
  binanceBookTicker,
  databentoQuotes,
  dukascopyTicks,
  histdataTicks,
  polygonQuotes,
  quotesByHeader,
  trueFx,
} from "./quote-files.ts";
import { alpacaTrades, databentoTrades, krakenTrades, polygonTrades, trades } from "./trade-files.ts";
import { yfinanceTable } from "./yfinance-table.ts";

const QUOTE_SPECS = [
  ...[polygonQuotes, alpacaQuotes, databentoQuotes, binanceBookTicker, leanQuotes, histdataTicks, dukascopyTicks],
  ...[trueFx, quotesByHeader],
];

/** Files that hold quotes and no trades. */
const areQuotes = (lines: readonly string[]): boolean =>
  !hasHeaderOf("ticks", 0)(lines) &&
  QUOTE_SPECS.some((spec) => (spec === leanQuotes ? isLeanQuote(lines) : spec.detects(lines)));

/** Formats of trades, in the order of detection: those of one program before those that any program may write. */
export const TICK_FORMATS: readonly Format<"ticks">[] = [
  leanTicks,
  binanceTrades,
  binanceAggTrades,
  ...[polygonTrades, alpacaTrades, databentoTrades].map((spec) => mapped("ticks", spec)),
  quotesOf<"ticks">(
    "quotes",
    "bids and asks",
    "timestamp,bid,bid_size,ask,ask_size",
    "Publish them with `tradetape publish quotes`.",
    areQuotes,
  ),
  ...[leanCrypto, krakenTrades, trades].map((spec) => mapped("ticks", spec)),
  jsonLines("ticks"),
];

/** Formats of quotes, in the order of detection. */
export const QUOTE_FORMATS: readonly Format<"quotes">[] = [
  ...QUOTE_SPECS.map((spec) => mapped("quotes", spec)),
  jsonLines("quotes"),
];

/** Of each side a bar and a size; a side without quotes is empty. */
const LEAN_QUOTE_BAR = /^(\d{1,8}|\d{8} \d\d:\d\d)(,(-?\d+(\.\d+)?)?){10}$/;

/** Formats of bars, in the order of detection. */
export const BAR_FORMATS: readonly Format<"bars">[] = [
  binanceKlines,
  yfinanceTable,
  quotesOf<"bars">(
    "lean-quote-bars",
    "Lean's bars of quotes: time, bid's open, high, low, close and size, the same of the ask",
    "34200000,1871500,1871600,1871400,1871500,100,1871600,1871700,1871500,1871600,200",
    "Say by --map which columns are to be the prices, and which the size.",
    hasRow(LEAN_QUOTE_BAR),
  ),
  ...[
    ...[yfinance, nasdaq, investing, barchart, stooq, cryptoDataDownload, polygonBars, alpacaBars, databentoBars],
    ...[ibkr, tradeStation, dukascopy, histdata, metatraderRows, metatrader, leanDays, kraken, leanMinutes, ohlcv],
  ].map((spec) => mapped("bars", spec)),
  jsonLines("bars"),
];
