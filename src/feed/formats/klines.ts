import type { BarEvent } from "../../event/events.ts";
import { barId } from "../../event/identity.ts";
import { decimal, shown } from "../decimal.ts";
import { CSV_LINE_BYTES_MAX, type Format, type Opening, refusal } from "../format.ts";
import { intervalOfMicros, toldInterval } from "../interval.ts";
import { type EpochUnit, parseEpoch } from "../time.ts";
import { binanceRows, binanceSymbol, moment, NUMBER } from "./binance.ts";

const KLINE_COLUMNS = 12;
const ROW = `\\d{13,16}(?:,${NUMBER}){5},\\d{13,16},${NUMBER},\\d+(?:,${NUMBER}){3}$`;
const KLINE_FIRST = new RegExp(`^(?:${ROW}|"?open_?\\s?time"?,.*close_?\\s?time)`, "i");

/** Binance's klines: twelve columns, of which a bar keeps the first six. */
export const binanceKlines: Format<"bars"> = {
  name: "binance-klines",
  about: "Binance spot klines: openTime, open, high, low, close, volume, closeTime and five more",
  lineBytesMax: CSV_LINE_BYTES_MAX,
  detects: (first) => KLINE_FIRST.test(first),
  open(opening) {
    const symbol = binanceSymbol(opening);
    const source = opening.options.source ?? "binance-klines";
    const { header, unit } = binanceRows(opening, 0);
    const interval = klineInterval(opening, opening.lines[header ? 1 : 0]!, unit);
    const base = { symbol_id: symbol.id, source, backtest_session_id: opening.options.session ?? null };
    return {
      described: {
        source,
        symbol: symbol.text,
        unit,
        interval,
        notes: ["close time, quote volume, number of trades and taker volumes aren't kept"],
      },
      symbols: [symbol.event],
      header,
      convert: (text) => kline(text, unit, interval, base),
    };
  },
};

/** A kline says when it closes, the last unit before the next one opens. */
function klineInterval({ options, file }: Opening, row: string, unit: EpochUnit): string {
  const cells = row.split(",");
  const open = parseEpoch(cells[0] ?? "", unit);
  const close = parseEpoch(cells[6] ?? "", unit);
  const step = unit === "ms" ? 1000 : 1;
  const told = toldInterval(options.interval);
  const own =
    typeof open === "string" || typeof close === "string" ? null : intervalOfMicros(close.us + step - open.us);
  const interval = told ?? own;
  if (interval === null) throw refusal(`${file} doesn't say how long its bars are`, "Say --interval 1min, 1h or 1d.");
  return interval;
}

function kline(
  text: string,
  unit: EpochUnit,
  interval: string,
  base: Pick<BarEvent, "symbol_id" | "source" | "backtest_session_id">,
): BarEvent | string {
  const cells = text.split(",");
  if (cells.length !== KLINE_COLUMNS) return `the line has ${cells.length} columns instead of ${KLINE_COLUMNS}`;
  const time = moment(cells[0]!, unit);
  if (typeof time === "string") return time;
  const numbers = cells.slice(1, 6).map(decimal);
  const bad = numbers.findIndex((value) => !(value >= 0));
  if (bad >= 0) return `column ${bad + 2} ${shown(cells[bad + 1]!)} is no number from 0 on`;
  const [open, high, low, close, volume] = numbers as [number, number, number, number, number];
  if (high < low) return `the high ${high} lies below the low ${low}`;
  const bar: BarEvent = {
    market_data_id: "",
    symbol_id: base.symbol_id,
    timestamp: time.us,
    open,
    high,
    low,
    close,
    volume,
    interval,
    source: base.source,
    venue: null,
    received_at: null,
    revised_at: null,
    backtest_session_id: base.backtest_session_id ?? null,
  };
  bar.market_data_id = barId(bar);
  return bar;
}
