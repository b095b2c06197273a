import { shown } from "../../errors.ts";
import type { QuoteEvent } from "../../event/events.ts";
import { nthQuoteId, quoteId } from "../../event/identity.ts";
import type { Settled } from "../decide/settle.ts";
import { conditionsReader } from "./conditions.ts";
import { Counters } from "./counters.ts";
import { type Maker, nullsOf, textReader } from "./row.ts";

/** Best bids and asks of rows. */
export function quoteMaker(settled: Settled, session: string | null): Maker<"quotes"> {
  const nulls = nullsOf(settled);
  const bidOf = sideReader(settled, "bid", nulls);
  const askOf = sideReader(settled, "ask", nulls);
  const sequenceOf = textReader(settled, "sequence", nulls);
  const venueOf = textReader(settled, "venue", nulls);
  const conditionsOf = conditionsReader(settled, nulls);
  const counters = new Counters(nthQuoteId);
  return ({ cells, symbolId, time }) => {
    const bid = bidOf(cells);
    if (typeof bid === "string") return bid;
    const ask = askOf(cells);
    if (typeof ask === "string") return ask;
    if (bid === NONE && ask === NONE) return "neither a bid nor an ask is quoted";
    const conditions = conditionsOf(cells);
    if (typeof conditions === "string") return conditions;
    const quote: QuoteEvent = {
      quote_id: "",
      symbol_id: symbolId,
      timestamp: time.us,
      timestamp_ns: time.ns,
      bid_price: bid.price,
      bid_size: bid.size,
      ask_price: ask.price,
      ask_size: ask.size,
      source: settled.source,
      sequence: sequenceOf(cells),
      venue: venueOf(cells),
      conditions,
      received_at: null,
      backtest_session_id: session,
    };
    const made = quote.sequence === null ? counters.idOf(quote) : { id: quoteId(quote) };
    if (typeof made === "string") return made;
    quote.quote_id = made.id;
    return quote;
  };
}

interface Side {
  readonly price: number | null;
  readonly size: number | null;
}

const NONE: Side = { price: null, size: null };

/** A side of a row; text is the reason why it can't be read. */
function sideReader(
  { columns, map, price, size }: Settled,
  side: "bid" | "ask",
  nulls: ReadonlySet<string>,
): (cells: readonly string[]) => Side | string {
  const priceAt = columns.fields.get(`${side}_price`)![0]!;
  const [sizeAt] = columns.fields.get(`${side}_size`) ?? [];
  const noQuote = new Set(map.noQuote);
  const isZeroNone = noQuote.has("0");
  return (cells) => {
    const text = cells[priceAt]!;
    const sizeText = sizeAt === undefined ? "" : cells[sizeAt]!;
    const isEmpty = nulls.has(text);
    const value = isEmpty ? Number.NaN : price(text);
    const amount = nulls.has(sizeText) ? null : size(sizeText);
    if (amount !== null && !(amount >= 0)) return `the ${side}'s size ${shown(sizeText)} is no number from 0 on`;
    if (noQuote.has(text) || (isZeroNone && value === 0)) {
      return amount === null || amount === 0 ? NONE : `the ${side} has the size ${amount} and no price`;
    }
    // An empty cell is no bid in one program's files and an unchanged one in another's; 0 is mostly none, too.
    if (isEmpty || (value === 0 && !(amount !== null && amount > 0) && map.noQuote === undefined)) {
      return `the ${side} ${shown(text)} may be none or an unchanged one: noQuote of a map says that it is none`;
    }
    if (Number.isNaN(value)) return `the ${side} ${shown(text)} is no number as the rows before it write them`;
    return { price: value, size: amount };
  };
}
