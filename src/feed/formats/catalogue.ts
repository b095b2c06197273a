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
import { leanCrypto, leanDays, leanMinutes, quotesOf } from "./lean/tables.ts";
import { leanTicks } from "./lean/trades.ts";
import { hasColumns, hasRow, mapped } from "./mapped.ts";
import { alpacaTrades, databentoTrades, krakenTrades, polygonTrades, trades } from "./trade-files.ts";
import { yfinanceTable } from "./yfinance-table.ts";

const quote = (name: string, about: string, sample: string, detects: (lines: readonly string[]) => boolean) =>
  quotesOf<"ticks">(name, about, sample, detects);

/** Shares have an exchange and flags, options and futures an exchange, crypto neither. */
const LEAN_QUOTE = /^\d{1,8}(\.\d+)?(,-?\d+(\.\d+)?){4}(,[^,]*){0,2},[01]$/;

/** Formats of trades, in the order of detection: those of one program before those that any program may write. */
export const TICK_FORMATS: readonly Format<"ticks">[] = [
  leanTicks,
  binanceTrades,
  binanceAggTrades,
  ...[polygonTrades, alpacaTrades, databentoTrades].map((spec) => mapped("ticks", spec)),
  quote(
    "lean-quotes",
    "Lean's quotes: ms, bid, size, ask, size, and mostly exchange",
    "14430270,1815200,100,1815300,200,P,,0",
    hasRow(LEAN_QUOTE),
  ),
  quote(
    "histdata-ticks",
    "HistData's ticks: time, bid, ask",
    "20120201 000003660,1.306600,1.306770,0",
    hasRow(/^\d{8} \d{9},/),
  ),
  quote(
    "dukascopy-ticks",
    "Dukascopy's ticks: ask, bid and their volumes",
    "Gmt time,Ask,Bid,AskVolume,BidVolume",
    hasColumns("Ask", "Bid", "AskVolume", "BidVolume"),
  ),
  ...[leanCrypto, krakenTrades, trades].map((spec) => mapped("ticks", spec)),
  jsonLines("ticks"),
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
    hasRow(LEAN_QUOTE_BAR),
  ),
  ...[
    ...[yfinance, nasdaq, investing, barchart, stooq, cryptoDataDownload, polygonBars, alpacaBars, databentoBars],
    ...[ibkr, tradeStation, dukascopy, histdata, metatraderRows, metatrader, leanDays, kraken, leanMinutes, ohlcv],
  ].map((spec) => mapped("bars", spec)),
  jsonLines("bars"),
];
