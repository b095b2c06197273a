import { producerOf } from "../src/feed/format.ts";
import { jsonLines } from "../src/feed/json-lines.ts";
import { binanceKlines } from "../src/feed/klines.ts";
import { ohlcv } from "../src/feed/ohlcv.ts";

/** Bars, from Binance's klines, CSV with a header or JSON lines. */
export const bars = producerOf("bars", [binanceKlines, ohlcv, jsonLines("bars")]);
