import type { MarketEvent } from "./neighbours.ts";

const SLOTS_MIN = 1 << 12;
/** Half full at most, so half a million rows a generation; two generations take 32 MB. */
const SLOTS_MAX = 1 << 20;

/** Four numbers a row: 64 bits of its id, 32 of what it says, and its line; line 0 is an empty slot. */
class Generation {
  readonly size: number;
  readonly slots: Uint32Array;
  rows = 0;

  constructor(size: number) {
    this.size = size;
    this.slots = new Uint32Array(size * 4);
  }

  /** Where the id is, or where it would be. */
  find(high: number, low: number): number {
    const { slots, size } = this;
    for (let at = low & (size - 1); ; at = (at + 1) & (size - 1)) {
      const place = at * 4;
      if (slots[place + 3] === 0 || (slots[place] === high && slots[place + 1] === low)) return place;
    }
  }

  put(place: number, high: number, low: number, content: number, line: number): void {
    this.slots.set([high, low, content, line], place);
    this.rows += 1;
  }
}

/**
 * Finds rows of one file that have one id and say different things: only one of them can land, and nobody can know
 * which is meant. Remembers the last half a million to a million rows in fixed room, as hashes: two rows that lie
 * farther apart aren't compared. Ids are hashes already; 64 bits of them collide once in 10^7 files of a million rows.
 */
export class SameIds {
  #now = new Generation(SLOTS_MIN);
  #before: Generation | undefined;

  /** @returns the line of an earlier row with this id and another content; 0 when there is none */
  lineOfOther(event: MarketEvent, line: number): number {
    // A tick or a quote without the venue's number has an id of its whole content.
    if (("trade_id" in event && event.trade_id === null) || ("sequence" in event && event.sequence === null)) return 0;
    const id = "quote_id" in event ? event.quote_id : event.market_data_id;
    const high = Number.parseInt(id.slice(0, 8), 16);
    const low = Number.parseInt(id.slice(28), 16);
    const content = contentOf(event);
    const place = this.#now.find(high, low);
    const { slots } = this.#now;
    if (slots[place + 3] !== 0) return slots[place + 2] === content ? 0 : slots[place + 3]!;
    const old = this.#before?.find(high, low);
    if (old !== undefined && this.#before!.slots[old + 3] !== 0) {
      return this.#before!.slots[old + 2] === content ? 0 : this.#before!.slots[old + 3]!;
    }
    this.#now.put(place, high, low, content, line);
    if (this.#now.rows * 2 > this.#now.size) this.#makeRoom();
    return 0;
  }

  #makeRoom(): void {
    const full = this.#now;
    if (full.size >= SLOTS_MAX) {
      this.#before = full;
      this.#now = new Generation(SLOTS_MAX);
      return;
    }
    this.#now = new Generation(full.size * 4);
    for (let place = 0; place < full.slots.length; place += 4) {
      const high = full.slots[place]!;
      const low = full.slots[place + 1]!;
      const line = full.slots[place + 3]!;
      if (line !== 0) this.#now.put(this.#now.find(high, low), high, low, full.slots[place + 2]!, line);
    }
  }
}

const doubles = new Float64Array(6);
const words = new Uint32Array(doubles.buffer);

/** 32 bits of what the row says besides its id. */
function contentOf(event: MarketEvent): number {
  doubles.fill(0);
  doubles[0] = event.timestamp;
  if ("quote_id" in event) {
    doubles[1] = event.bid_price ?? Number.NaN;
    doubles[2] = event.bid_size ?? Number.NaN;
    doubles[3] = event.ask_price ?? Number.NaN;
    doubles[4] = event.ask_size ?? Number.NaN;
    doubles[5] = event.timestamp_ns ?? 0;
  } else {
    doubles[1] = event.close;
    doubles[2] = event.volume;
    doubles[3] = "open" in event ? event.open : (event.timestamp_ns ?? 0);
    doubles[4] = "open" in event ? event.high : 0;
    doubles[5] = "open" in event ? event.low : 0;
  }
  let hash = 0x811c9dc5;
  for (const word of words) hash = Math.imul(hash ^ word, 0x01000193) ^ (hash >>> 15);
  const marks = "open" in event ? null : (event.conditions ?? null);
  for (const mark of marks ?? []) {
    for (let i = 0; i < mark.length; i++) hash = Math.imul(hash ^ mark.charCodeAt(i), 0x01000193);
  }
  return hash >>> 0;
}
