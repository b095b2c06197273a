import { OccurrenceCounter } from "../../event/occurrence.ts";

/** One instrument may use all the room; of several, each gets a share, so that together they stay within a gigabyte. */
const SYMBOLS_MAX = 256;
const SHARE_BYTES = 4 * 1024 * 1024;

/** Events without an id are counted by instrument: files are often sorted by symbol first and by time then. */
export class Counters<E extends { readonly symbol_id: string; readonly timestamp: number }> {
  readonly #nth: (event: E, n: number) => string;
  readonly #bySymbol = new Map<string, OccurrenceCounter<E>>();

  /** @param nth the id of an event, of which the file has `n` equal ones before */
  constructor(nth: (event: E, n: number) => string) {
    this.#nth = nth;
  }

  /** The event's id, or a sentence why the file can't give it one. */
  idOf(event: E): { readonly id: string } | string {
    const known = this.#bySymbol.get(event.symbol_id);
    if (known !== undefined) return known.idOf(event);
    if (this.#bySymbol.size >= SYMBOLS_MAX) return "the file holds too many symbols for rows without an id: split it";
    const made = new OccurrenceCounter(this.#nth, this.#bySymbol.size === 0 ? {} : { bytesMax: SHARE_BYTES });
    this.#bySymbol.set(event.symbol_id, made);
    return made.idOf(event);
  }
}
