import type { TickEvent } from "../../event/events.ts";
import { tickId } from "../../event/identity.ts";
import { decimal, shown } from "../decimal.ts";
import { CSV_LINE_BYTES_MAX, type Format, type Opening, refusal } from "../format.ts";
import { binanceName, type FeedSymbol, parseSymbol } from "../symbol.ts";
import { type EpochUnit, epochUnit, type Moment, outsideRange, parseEpoch } from "../time.ts";

/**
 * Binance's bulk files of spot markets. They have no header (some mirrors add one), decimal text, and times in
 * milliseconds up to 2024 and in microseconds since: one file holds one unit, told by the size of its first time.
 */
interface Layout {
  readonly name: string;
  readonly about: string;
  readonly columns: number;
  readonly price: number;
  readonly size: number;
  readonly time: number;
  readonly buyerMaker: number;
  /** Venue ids of trades and of aggregated trades count apart, so each is a data set of its own. */
  readonly source: string;
  readonly first: RegExp;
  readonly notes: readonly string[];
}

/** A decimal, and a truth value, in a pattern of a line. */
export const NUMBER = String.raw`\d+(?:\.\d*)?`;
const FLAG = "(?:true|false)";

const TRADES: Layout = {
  name: "binance-trades",
  about: "Binance spot trades: id, price, qty, quoteQty, time, isBuyerMaker, isBestMatch",
  columns: 7,
  price: 1,
  size: 2,
  time: 4,
  buyerMaker: 5,
  source: "binance-trades",
  first: new RegExp(
    `^(?:\\d+,${NUMBER},${NUMBER},${NUMBER},\\d{13,16},${FLAG},${FLAG}$|"?(?:trade_?)?id"?,.*is_?buyer_?maker)`,
    "i",
  ),
  notes: ["quoteQty isn't kept: it is price times qty"],
};

const AGG_TRADES: Layout = {
  name: "binance-aggtrades",
  about: "Binance spot aggTrades: aggId, price, qty, firstId, lastId, time, isBuyerMaker, isBestMatch",
  columns: 8,
  price: 1,
  size: 2,
  time: 5,
  buyerMaker: 6,
  source: "binance-aggtrades",
  first: new RegExp(`^(?:\\d+,${NUMBER},${NUMBER},\\d+,\\d+,\\d{13,16},${FLAG},${FLAG}$|"?agg.*is_?buyer_?maker)`, "i"),
  notes: ["the ids of the first and last trade of an aggregate aren't kept"],
};

const tradeFormat = (layout: Layout): Format<"ticks"> => ({
  name: layout.name,
  about: layout.about,
  lineBytesMax: CSV_LINE_BYTES_MAX,
  detects: (first) => layout.first.test(first),
  open(opening) {
    const symbol = binanceSymbol(opening);
    const source = opening.options.source ?? layout.source;
    const { header, unit } = binanceRows(opening, layout.time);
    const base = { symbol_id: symbol.id, source, backtest_session_id: opening.options.session ?? null };
    return {
      described: { source, symbol: symbol.text, unit, notes: layout.notes },
      symbols: [symbol.event],
      header,
      convert: (text) => trade(text, layout, unit, base),
    };
  },
});

export const binanceTrades = tradeFormat(TRADES);
export const binanceAggTrades = tradeFormat(AGG_TRADES);

/** The instrument, from --symbol or the file's name. */
export function binanceSymbol({ options, names, file }: Opening): FeedSymbol {
  const ticker = options.symbol ?? binanceName(names).ticker;
  if (ticker !== undefined) return parseSymbol(ticker);
  throw refusal(`${file} doesn't say which instrument it holds`, "Say --symbol TICKER or --symbol TICKER@EXCHANGE.");
}

/** Whether there is a header, and the unit of the first row's time. */
export function binanceRows({ lines, file }: Opening, timeColumn: number): { header: boolean; unit: EpochUnit } {
  const header = !/^\d/.test(lines[0] ?? "0");
  const time = (lines[header ? 1 : 0] ?? "").split(",")[timeColumn] ?? "";
  if (!/^\d+$/.test(time)) {
    throw refusal(
      `${file} has no time in column ${timeColumn + 1} of its first row`,
      "Check the file or name --format.",
    );
  }
  return { header, unit: epochUnit(Number(time)) };
}

/** The moment of a time column, or why it is none that can land. */
export function moment(text: string, unit: EpochUnit): Moment | string {
  const time = parseEpoch(text, unit);
  if (typeof time === "string") return time;
  return outsideRange(time.us) ?? time;
}

type Base = Pick<TickEvent, "symbol_id" | "source" | "backtest_session_id">;

const isFlag = (text: string) => /^(true|false)$/i.test(text);

function trade(text: string, layout: Layout, unit: EpochUnit, base: Base): TickEvent | string {
  const cells = text.split(",");
  if (cells.length !== layout.columns) return `the line has ${cells.length} columns instead of ${layout.columns}`;
  const [id = ""] = cells;
  if (!/^\d{1,30}$/.test(id)) return `the trade id ${shown(id)} is no whole number`;
  const close = decimal(cells[layout.price]!);
  if (!(close >= 0)) return `the price ${shown(cells[layout.price]!)} is no number from 0 on`;
  const volume = decimal(cells[layout.size]!);
  if (!(volume >= 0)) return `the size ${shown(cells[layout.size]!)} is no number from 0 on`;
  const time = moment(cells[layout.time]!, unit);
  if (typeof time === "string") return time;
  const maker = cells[layout.buyerMaker]!;
  const best = cells[layout.buyerMaker + 1]!;
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
    timestamp_ns: 0,
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
