import { randomInt } from "node:crypto";
import type { RowPicker } from "../../table/rows/row-picker.ts";
import { addTo, hashOf, type Sum } from "../../table/rows/row-sums.ts";

const WORDS_PER_ID = 4;
const SLOTS_MIN = 1024;
/** An odd number that spreads bits well by multiplication, of MurmurHash3. */
const SPREAD = 0x85ebca6b;

/** What is known of an id. */
const FREE = 0;
/** The table has one row of it, and no event was met. */
const UNTOLD = 1;
/** The table has one row of it, and all events that were met say the same. */
const ALIKE = 2;
/** Anything else. */
const ODD = 3;

/**
 * Tells the ids of a table whose one row is what all of their events in the log say, from the odd ones: the rows of the table
 * are taken first, then those that the log's events make. It keeps 27 bytes an id, so that the odd ones alone have to be held
 * in full. Slots are found by open addressing, from a hash that nobody outside can foresee.
 */
export class IdTally {
  #ids = new Uint32Array(WORDS_PER_ID * SLOTS_MIN);
  #lows = new Int32Array(SLOTS_MIN);
  #highs = new Int32Array(SLOTS_MIN);
  /** By slot: which of the parts of time its row lies in. */
  #parts = new Uint16Array(SLOTS_MIN);
  #states = new Uint8Array(SLOTS_MIN);
  #slots = SLOTS_MIN;
  #used = 0;
  readonly #seed = randomInt(2 ** 32);
  readonly #partOf: (hour: string) => string;
  readonly #names: string[] = [];
  readonly #indexByHour = new Map<string, number>();

  /** @param partOf the part of time that an hour lies in; there are fewer than 65,536 of them */
  constructor(partOf: (hour: string) => string) {
    this.#partOf = partOf;
  }

  /** Takes the table's row that the picker looked at last. */
  addRow(view: DataView, idAt: number, { low, high, hour }: RowPicker): void {
    const slot = this.#slotOf(view, idAt);
    if (this.#states[slot] !== FREE) {
      this.#states[slot] = ODD;
      return;
    }
    this.#lows[slot] = low;
    this.#highs[slot] = high;
    this.#parts[slot] = this.#partIndex(hour);
    this.#take(slot, view, idAt, UNTOLD);
  }

  /** Takes the row that an event makes, which the picker looked at last. */
  addEvent(view: DataView, idAt: number, { low, high }: RowPicker): void {
    const slot = this.#slotOf(view, idAt);
    const state = this.#states[slot];
    if (state === FREE) this.#take(slot, view, idAt, ODD);
    else this.#states[slot] = state !== ODD && this.#lows[slot] === low && this.#highs[slot] === high ? ALIKE : ODD;
  }

  /** Whether an id is odd. An id of the table that no event told of is. */
  isOdd(view: DataView, idAt: number): boolean {
    const state = this.#states[this.#slotOf(view, idAt)];
    return state === ODD || state === UNTOLD;
  }

  get odd(): number {
    return this.#states.reduce((sum, state) => sum + (state === ODD || state === UNTOLD ? 1 : 0), 0);
  }

  /** The sums of the rows that aren't odd, by part. */
  alike(): ReadonlyMap<string, Sum> {
    const sums = new Map<string, Sum>();
    for (let slot = 0; slot < this.#slots; slot++) {
      if (this.#states[slot] !== ALIKE) continue;
      const hash = hashOf(this.#lows[slot]!, this.#highs[slot]!);
      addTo(sums, this.#names[this.#parts[slot]!]!, { rows: 1, hash });
    }
    return sums;
  }

  #partIndex(hour: string): number {
    const known = this.#indexByHour.get(hour);
    if (known !== undefined) return known;
    const part = this.#partOf(hour);
    let index = this.#names.indexOf(part);
    if (index < 0) index = this.#names.push(part) - 1;
    this.#indexByHour.set(hour, index);
    return index;
  }

  /** The slot of an id, or the free one that it would get. */
  #slotOf(view: DataView, idAt: number): number {
    const ids = this.#ids;
    const [a, b] = [view.getUint32(idAt), view.getUint32(idAt + 4)];
    const [c, d] = [view.getUint32(idAt + 8), view.getUint32(idAt + 12)];
    let mixed = this.#seed;
    mixed = Math.imul(mixed ^ (mixed >>> 15) ^ a, SPREAD);
    mixed = Math.imul(mixed ^ (mixed >>> 13) ^ b, SPREAD);
    mixed = Math.imul(mixed ^ (mixed >>> 16) ^ c, SPREAD);
    mixed = Math.imul(mixed ^ (mixed >>> 14) ^ d, SPREAD);
    for (let slot = (mixed ^ (mixed >>> 15)) & (this.#slots - 1); ; slot = (slot + 1) & (this.#slots - 1)) {
      if (this.#states[slot] === FREE) return slot;
      const at = WORDS_PER_ID * slot;
      if (ids[at] === a && ids[at + 1] === b && ids[at + 2] === c && ids[at + 3] === d) return slot;
    }
  }

  #take(slot: number, view: DataView, idAt: number, state: number): void {
    for (let word = 0; word < WORDS_PER_ID; word++) {
      this.#ids[WORDS_PER_ID * slot + word] = view.getUint32(idAt + 4 * word);
    }
    this.#states[slot] = state;
    if (2 * ++this.#used > this.#slots) this.#grow();
  }

  #grow(): void {
    const [ids, lows, highs, parts, states] = [this.#ids, this.#lows, this.#highs, this.#parts, this.#states];
    this.#slots *= 2;
    this.#ids = new Uint32Array(WORDS_PER_ID * this.#slots);
    this.#lows = new Int32Array(this.#slots);
    this.#highs = new Int32Array(this.#slots);
    this.#parts = new Uint16Array(this.#slots);
    this.#states = new Uint8Array(this.#slots);
    const id = new DataView(new ArrayBuffer(4 * WORDS_PER_ID));
    for (let old = 0; old < states.length; old++) {
      if (states[old] === FREE) continue;
      for (let word = 0; word < WORDS_PER_ID; word++) id.setUint32(4 * word, ids[WORDS_PER_ID * old + word]!);
      const slot = this.#slotOf(id, 0);
      this.#ids.set(ids.subarray(WORDS_PER_ID * old, WORDS_PER_ID * (old + 1)), WORDS_PER_ID * slot);
      this.#lows[slot] = lows[old]!;
      this.#highs[slot] = highs[old]!;
      this.#parts[slot] = parts[old]!;
      this.#states[slot] = states[old]!;
    }
  }
}
