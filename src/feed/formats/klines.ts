import { shown } from "../../errors.ts";
import type { BarEvent } from "../../event/events.ts";
import { barId } from "../../event/identity.ts";
import { fileSymbol } from "../decide/symbols.ts";
import { decimal } from "../decimal.ts";
import { byRows } from "../decision.ts";
import { CSV_LINE_BYTES_MAX, type Format, type Opening } from "../format.ts";
import { intervalOfMicros, toldInterval } from "../interval.ts";
import { binanceName } from "../symbol.ts";
import { type EpochUnit, parseEpoch } from "../time.ts";
import { binanceRows, moment, NUMBER } from "./binance.ts";
import { marketOf, marketSource, type Possible } from "./binance-market.ts";

const KLINE_COLUMNS = 12;
const ROW = `\\d{13,16}(?:,-?${NUMBER}){4},${NUMBER},\\d{13,16},${NUMBER},\\d+(?:,${NUMBER}){3}$`;
const KLINE_FIRST = new RegExp(`^(?:${ROW}|"?open_?\\s?time"?,.*close_?\\s?time)`, "i");

const UNIT_US: Readonly<Record<EpochUnit, number>> = { s: 1_000_000, ms: 1000, us: 1, ns: 1 };

/** Binance's klines: twelve columns, of which a bar keeps the first six. */
export const binanceKlines: Format<"bars"> = {
  name: "binance-klines",
  about: "Binance's klines, spot and futures: openTime, open, high, low, close, volume, closeTime and five more",
  sample: ["1735689600000,1.0,2.0,0.5,1.5,10.25,1735693199999,15.1,42,5.0,7.5,0"],
  asks: "--market, unless times in microseconds say spot or a name like BTCUSD_PERP says cm; --symbol as far as the name doesn't",
  lineBytesMax: CSV_LINE_BYTES_MAX,
  detects: ([first]) => KLINE_FIRST.test(first!) && first!.split(",").length === KLINE_COLUMNS,
  open(opening) {
    const { options, decisions } = opening;
    const named = binanceName(opening.names).ticker;
    const symbol = fileSymbol(opening, named);
    const { head, unit, rows } = binanceRows(opening, 0);
    const market = marketOf(opening, symbol.ticker, named, possible(unit, rows));
    const interval = klineInterval(opening, rows, unit);
    const source = options.source ?? marketSource(market, "klines");
    decisions.take("source", source, options.source ? "--source" : "the format and the market");
    decisions.take(
      "columns not used",
      "closeTime, quoteVolume, count, takerBuyVolume, takerBuyQuoteVolume, ignore",
      "the format",
    );
    const base = { symbol_id: symbol.id, source, backtest_session_id: options.session ?? null };
    const isPremium = market.endsWith("premium");
    const convert = (text: string) => kline(text, unit, interval, isPremium, base);
    return { symbols: [symbol.event], head, isOnce: true, convert };
  },
};

/** Only spot has microseconds; mark, index and premium prices have no volume, and a count of the prices they are made of. */
function possible(unit: EpochUnit, rows: readonly string[][]): Possible {
  if (unit === "us") return { markets: ["spot"], by: "times in microseconds" };
  const traded = rows.filter((cells) => decimal(cells[5]!) > 0).length;
  if (traded > 0) return { markets: ["spot", "um", "cm"], by: `${byRows(traded, rows.length)} with a volume` };
  const made = rows.filter((cells) => decimal(cells[8] ?? "0") > 0).length;
  const prices = ["um-mark", "um-index", "um-premium", "cm-mark", "cm-index", "cm-premium"] as const;
  if (made > 0) return { markets: prices, by: `${byRows(made, rows.length)} with a count and no volume` };
  return { markets: ["spot", "um", "cm", ...prices], by: "no row with a volume" };
}

/** A kline says when it closes, the last unit before the next one opens. */
function klineInterval({ options, decisions }: Opening, rows: readonly string[][], unit: EpochUnit): string {
  const lengths = rows.map((cells) => {
    const [open, close] = [parseEpoch(cells[0] ?? "", unit), parseEpoch(cells[6] ?? "", unit)];
    return typeof open === "string" || typeof close === "string"
      ? null
      : intervalOfMicros(close.us + UNIT_US[unit] - open.us);
  });
  const counts = Map.groupBy(lengths, (length) => length);
  const [own, same] = [...counts].reduce((a, b) => (b[1].length > a[1].length ? b : a));
  const told = toldInterval(options.interval);
  const interval = told ?? own;
  if (interval !== null && interval !== undefined) {
    decisions.take("interval", interval, told ? "--interval" : `${byRows(same.length, rows.length)}: closeTime`);
    return interval;
  }
  const why = "it doesn't say how long its bars are";
  return decisions.ask({ what: "interval", why, flag: "--interval, as in 1min, 1h or 1d" }, "?");
}

/** A kline closes with the last unit before its end; null where that is no time behind its start. */
function endOf(close: string, unit: EpochUnit, start: number): number | null {
  const last = parseEpoch(close, unit);
  return typeof last === "string" || last.us < start ? null : last.us + UNIT_US[unit];
}

function kline(
  text: string,
  unit: EpochUnit,
  interval: string,
  isPremium: boolean,
  base: Pick<BarEvent, "symbol_id" | "source" | "backtest_session_id">,
): BarEvent | string {
  const cells = text.split(",");
  if (cells.length !== KLINE_COLUMNS) return `the line has ${cells.length} columns instead of ${KLINE_COLUMNS}`;
  const time = moment(cells[0]!, unit);
  if (typeof time === "string") return time;
  const numbers = cells.slice(1, 6).map(decimal);
  const bad = numbers.findIndex((value, i) => !(value >= 0 || (isPremium && i < 4 && value < 0)));
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
    ends_at: endOf(cells[6]!, unit, time.us),
    first_trade_at: null,
    last_trade_at: null,
    backtest_session_id: base.backtest_session_id ?? null,
  };
  bar.market_data_id = barId(bar);
  return bar;
}
