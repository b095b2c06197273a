import { producerOf } from "../src/feed/format.ts";
import { leanTicks } from "../src/feed/lean.ts";

/** Trades: from Lean's and Binance's files, or JSON lines. */
export const ticks = producerOf("ticks", [leanTicks]);
