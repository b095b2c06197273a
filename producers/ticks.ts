import { producerOf } from "../src/feed/format.ts";
import { binanceAggTrades, binanceTrades } from "../src/feed/formats/binance.ts";
import { jsonLines } from "../src/feed/formats/json-lines.ts";
import { leanTicks } from "../src/feed/formats/lean.ts";

/** Trades, from Lean's and Binance's files or JSON lines. */
export const ticks = producerOf("ticks", [leanTicks, binanceTrades, binanceAggTrades, jsonLines("ticks")]);
