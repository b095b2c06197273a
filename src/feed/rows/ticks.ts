import type { TickEvent } from "../../event/events.ts";
import { nthTickId, tickId } from "../../event/identity.ts";
import { OccurrenceCounter } from "../../event/occurrence.ts";
import { neededPlace } from "../decide/layout.ts";
import type { Settled } from "../decide/settle.ts";
import { shown } from "../decimal.ts";
import type { ConditionPart } from "../map/schema.ts";
import { type Maker, nullsOf, textReader } from "./row.ts";

/** Trades of rows. */
export function tickMaker(settled: Settled, session: string | null): Maker<"ticks"> {
  const { columns, price, size, source } = settled;
  const nulls = nullsOf(settled);
  const priceAt = columns.fields.get("price")![0]!;
  const sizeAt = columns.fields.get("size")![0]!;
  const tradeIdOf = textReader(settled, "trade_id", nulls);
  const venueOf = textReader(settled, "venue", nulls);
  const conditionsOf = conditionsReader(settled, nulls);
  const counters = new Counters();
  return ({ cells, symbolId, time }) => {
    const close = price(cells[priceAt]!);
    if (Number.isNaN(close)) return `the price ${shown(cells[priceAt]!)} is no number as the rows before it write them`;
    const volume = size(cells[sizeAt]!);
    if (!(volume >= 0)) return `the size ${shown(cells[sizeAt]!)} is no number from 0 on`;
    const conditions = conditionsOf(cells);
    if (typeof conditions === "string") return conditions;
    const tick: TickEvent = {
      market_data_id: "",
      symbol_id: symbolId,
      timestamp: time.us,
      timestamp_ns: time.ns,
      close,
      volume,
      source,
      trade_id: tradeIdOf(cells),
      venue: venueOf(cells),
      conditions,
      received_at: null,
      backtest_session_id: session,
    };
    if (tick.trade_id !== null) {
      tick.market_data_id = tickId(tick);
      return tick;
    }
    const made =
      counters.of(symbolId)?.idOf(tick) ?? "the file holds too many symbols for trades without an id: split it";
    if (typeof made === "string") return made;
    tick.market_data_id = made.id;
    return tick;
  };
}

/** One instrument may use all the room; of several, each gets a share, so that together they stay within a gigabyte. */
const SYMBOLS_MAX = 256;
const SHARE_BYTES = 4 * 1024 * 1024;

/** Trades without an id are counted by instrument: files are often sorted by symbol first and by time then. */
class Counters {
  readonly #bySymbol = new Map<string, OccurrenceCounter<TickEvent>>();

  of(symbolId: string): OccurrenceCounter<TickEvent> | undefined {
    const known = this.#bySymbol.get(symbolId);
    if (known !== undefined || this.#bySymbol.size >= SYMBOLS_MAX) return known;
    const made = new OccurrenceCounter<TickEvent>(
      nthTickId,
      this.#bySymbol.size === 0 ? {} : { bytesMax: SHARE_BYTES },
    );
    this.#bySymbol.set(symbolId, made);
    return made;
  }
}

type Reader = (cells: readonly string[]) => readonly string[] | string | null;

/** A row's marks, of all columns that hold some; a string is the reason why one can't be read. */
function conditionsReader({ map, columns, layout }: Settled, nulls: ReadonlySet<string>): Reader {
  const own: ConditionPart[] = columns.conditions === undefined ? [] : [{ column: columns.conditions + 1 }];
  const parts = [...own, ...(map.conditions ?? [])].map((part) => ({
    ...part,
    place: neededPlace(part.column, layout.names, "the map"),
    words: part.words === undefined ? undefined : new Map(Object.entries(part.words)),
  }));
  if (parts.length === 0) return () => null;
  return (cells) => {
    const marks: string[] = [];
    for (const { place, split, words, prefix } of parts) {
      const text = cells[place]!;
      if (words === undefined && nulls.has(text)) continue;
      for (const piece of split === undefined ? [text] : text.split(split)) {
        const word = words === undefined ? piece.trim() : words.get(piece.trim());
        if (word === undefined)
          return `${layout.names[place]} says ${shown(piece)}, which the format has no meaning for`;
        if (word !== null && word !== "") marks.push(`${prefix ?? ""}${word}`);
      }
    }
    return marks.length > 0 ? marks : null;
  };
}
