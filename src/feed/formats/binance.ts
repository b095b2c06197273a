import { shown } from "../../errors.ts";
import type { TickEvent } from "../../event/events.ts";
import { tickId } from "../../event/identity.ts";
import type { Moment } from "../../event/time/iso.ts";
import { fileSymbol } from "../decide/symbols.ts";
import { decimal } from "../decimal.ts";
import { byRows } from "../decision.ts";
import { CSV_LINE_BYTES_MAX, type Format, type Opening, refusal } from "../format.ts";
import { binanceName } from "../symbol.ts";
import { type EpochUnit, epochUnit, outsideRange, parseEpoch } from "../time.ts";
import { futuresByQuote, marketOf, marketSource, type Possible } from "./binance-market.ts";

/**
 * Binance's bulk files. Spot's have no header (some mirrors add one), futures' have one since 2022. Decimal text; times in
 * milliseconds, of spot since 2025 in microseconds: one file holds one unit, told by the digits of its times.
 */
interface Layout {
  readonly name: string;
  readonly about: string;
  readonly sample: readonly string[];
  /** How many columns spot has; futures lack the last one, isBestMatch. */
  readonly columns: number;
  readonly time: number;
  /** Venue ids of trades and of aggregated trades count apart, so each is a data set of its own. */
  readonly what: string;
  readonly first: RegExp;
  readonly notKept: string;
}

/** A decimal, and a truth value, in a pattern of a line. */
export const NUMBER = String.raw`\d+(?:\.\d*)?(?:[eE]-?\d+)?`;
const FLAG = "(?:true|false)";

const TRADES: Layout = {
  name: "binance-trades",
  about:
    "Binance's trades, spot (7 columns) and futures (6): id, price, qty, quoteQty, time, isBuyerMaker, isBestMatch",
  sample: ["4359421000,93576.00,0.00042,39.30192,1735689600012345,True,True"],
  columns: 7,
  time: 4,
  what: "trades",
  first: new RegExp(
    `^(?:\\d+,${NUMBER},${NUMBER},${NUMBER},\\d{13,16},${FLAG}(?:,${FLAG})?$|"?(?:trade_?)?id"?,.*is_?buyer_?maker)`,
    "i",
  ),
  notKept: "quoteQty, which is price times qty",
};

const AGG_TRADES: Layout = {
  name: "binance-aggtrades",
  about:
    "Binance's aggTrades, spot (8 columns) and futures (7): aggId, price, qty, firstId, lastId, time, isBuyerMaker, isBestMatch",
  sample: ["3358101102,93576.00,0.005,4411927701,4411927703,1735689600123456,False,True"],
  columns: 8,
  time: 5,
  what: "aggtrades",
  first: new RegExp(
    `^(?:\\d+,${NUMBER},${NUMBER},\\d+,\\d+,\\d{13,16},${FLAG}(?:,${FLAG})?$|"?agg.*is_?buyer_?maker)`,
    "i",
  ),
  notKept: "firstId and lastId",
};

const tradeFormat = (layout: Layout): Format<"ticks"> => ({
  name: layout.name,
  about: layout.about,
  sample: layout.sample,
  asks: "--symbol as far as the file's name doesn't say it; --market where futures' columns leave it open",
  lineBytesMax: CSV_LINE_BYTES_MAX,
  detects: ([first]) => layout.first.test(first!),
  open(opening) {
    const { options, decisions } = opening;
    const named = binanceName(opening.names).ticker;
    const symbol = fileSymbol(opening, named);
    const { head, unit, width, rows } = binanceRows(opening, layout.time);
    const market = marketOf(
      opening,
      symbol.ticker,
      named,
      possible(layout, width, rows, head === 1 ? opening.lines[0]! : ""),
    );
    const source = options.source ?? marketSource(market, layout.what);
    decisions.take("source", source, options.source ? "--source" : "the format and the market");
    decisions.take("columns not used", layout.notKept, "the format");
    const base = { symbol_id: symbol.id, source, backtest_session_id: options.session ?? null };
    const convert = (text: string) => trade(text, layout, width, unit, base);
    return { symbols: [symbol.event], head, isOnce: true, convert };
  },
});

export const binanceTrades = tradeFormat(TRADES);
export const binanceAggTrades = tradeFormat(AGG_TRADES);

function possible({ columns, what }: Layout, width: number, rows: readonly string[][], header: string): Possible {
  if (width === columns) return { markets: ["spot"], by: `${columns} columns` };
  if (width !== columns - 1)
    throw refusal(`its rows have ${width} columns instead of ${columns - 1} or ${columns}`, "Check the file.");
  if (/base_?qty/i.test(header)) return { markets: ["cm"], by: "the header's base_qty" };
  if (/quote_?qty/i.test(header)) return { markets: ["um"], by: "the header's quote_qty" };
  return what === "trades" ? futuresByQuote(rows) : { markets: ["um", "cm"], by: `${width} columns` };
}

/** What the first rows of a file say: whether a header comes before them, and the unit of their times. */
export function binanceRows({ lines, file, decisions }: Opening, timeColumn: number) {
  const head = /^\d/.test(lines[0] ?? "0") ? 0 : 1;
  const rows = lines.slice(head).map((line) => line.split(","));
  const width = rows[0]?.length ?? 0;
  const fitting = rows.filter((cells) => cells.length === width);
  const times = fitting.map((cells) => cells[timeColumn] ?? "");
  const unit: EpochUnit | undefined = /^\d+$/.test(times[0] ?? "") ? epochUnit(times[0]!.length) : undefined;
  if (unit === undefined) {
    throw refusal(
      `${file} has no time in column ${timeColumn + 1} of its first row`,
      "Check the file or name --format.",
    );
  }
  const same = times.filter((time) => time.length === times[0]!.length).length;
  decisions.take("time", `epoch ${unit}`, byRows(same, times.length));
  return { head, unit, width, rows: fitting };
}

/** The moment of a time column, or why it is none that can land. */
export function moment(text: string, unit: EpochUnit): Moment | string {
  const time = parseEpoch(text, unit);
  if (typeof time === "string") return time;
  return outsideRange(time.us) ?? time;
}

type Base = Pick<TickEvent, "symbol_id" | "source" | "backtest_session_id">;

const isFlag = (text: string) => /^(true|false)$/i.test(text);

function trade(text: string, layout: Layout, width: number, unit: EpochUnit, base: Base): TickEvent | string {
  const cells = text.split(",");
  if (cells.length !== width) return `the line has ${cells.length} columns instead of ${width}`;
  const [id = ""] = cells;
  if (!/^\d{1,30}$/.test(id)) return `the trade id ${shown(id)} is no whole number`;
  const close = decimal(cells[1]!);
  if (!(close >= 0)) return `the price ${shown(cells[1]!)} is no number from 0 on`;
  const volume = decimal(cells[2]!);
  if (!(volume >= 0)) return `the size ${shown(cells[2]!)} is no number from 0 on`;
  const time = moment(cells[layout.time]!, unit);
  if (typeof time === "string") return time;
  const maker = cells[layout.time + 1]!;
  const best = cells[layout.time + 2] ?? "true";
  if (!isFlag(maker) || !isFlag(best)) return `the flags ${shown(`${maker},${best}`)} are no true or false`;
  // Nearly every trade is a best match: only the other ones are worth a word in each row.
  const conditions = [
    maker.toLowerCase() === "true" ? "buyer_maker" : "seller_maker",
    ...(best.toLowerCase() === "false" ? ["not_best_match"] : []),
  ];
  const tick: TickEvent = {
    market_data_id: "",
    symbol_id: base.symbol_id,
    timestamp: time.us,
    timestamp_ns: time.ns,
    close,
    volume,
    source: base.source,
    trade_id: id,
    venue: null,
    conditions,
    received_at: null,
    backtest_session_id: base.backtest_session_id ?? null,
  };
  tick.market_data_id = tickId(tick);
  return tick;
}
