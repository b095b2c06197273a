import { binanceAggTrades, binanceTrades } from "../src/feed/binance.ts";
import { producerOf } from "../src/feed/format.ts";
import { jsonLines } from "../src/feed/json-lines.ts";
import { leanTicks } from "../src/feed/lean.ts";

/** Trades, from Lean's and Binance's files or JSON lines. */
export const ticks = producerOf("ticks", [leanTicks, binanceTrades, binanceAggTrades, jsonLines("ticks")]);
