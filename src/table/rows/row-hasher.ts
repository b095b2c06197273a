import { jsonFormOrText } from "./json-form.ts";
import { type LandingTable, landingColumns } from "./landing-table.ts";
import type { RowSums } from "./row-sums.ts";

const HOUR_US = 3_600_000_000;
const TWO_32 = 2 ** 32;
/** Odd numbers that spread bits well by multiplication: of MurmurHash3, and of Knuth. */
const [SPREAD_A, SPREAD_B, SPREAD_C] = [0xcc9e2d51 | 0, 0x9e3779b1 | 0, 0x85ebca6b | 0];
/** Texts of JSON whose forms are kept: an indicator's parameters are a few. */
const FORMS_MAX = 1000;

/** Whoever takes the hour and the two halves of each row's hash. */
type HashTaker = Pick<RowSums, "add">;

/** Columns that change while a row's content stands: an event with the same content and a greater revision raises them. */
const CHANGING: readonly string[] = ["revised_at", "published_at"];

/**
 * Hashes rows in COPY's binary format to 64 bits, the same when they go into the table and when they come out of it. Null
 * adds nothing, so that a column which a later version adds changes no hash of the rows that were there before it. It finds
 * what changed by accident, and whoever doesn't look for two rows of one hash; nobody is kept from making such.
 */
export class RowHasher {
  /** By column: a number made of its name, so that a value doesn't hash alike in two columns. */
  readonly #tags: Int32Array;
  readonly #isJson: readonly boolean[];
  readonly #isLeftOut: readonly boolean[];
  readonly #time: number;
  readonly #forms = new Map<string, Buffer>();
  #low = 0;
  #high = 0;

  /** @param time the column that says when */
  constructor(landing: LandingTable, time: string) {
    const columns = landingColumns(landing);
    this.#tags = Int32Array.from(columns, ({ name }) => tagOf(name));
    const changing = landing.repeats === "revised" ? CHANGING : [];
    this.#isLeftOut = columns.map(({ name }) => changing.includes(name));
    this.#isJson = columns.map(({ fits }) => fits.jsonb !== undefined);
    this.#time = columns.findIndex(({ name }) => name === time);
  }

  /** Adds the row that begins at `start` to the sums. @returns where it ends */
  add(sums: HashTaker, view: DataView, start: number): number {
    const [tags, isJson, isLeftOut, time] = [this.#tags, this.#isJson, this.#isLeftOut, this.#time];
    this.#low = SPREAD_B;
    this.#high = SPREAD_C;
    let hour = Number.NaN;
    let at = start + 2;
    for (let i = 0; i < tags.length; i++) {
      const length = view.getInt32(at);
      at += 4;
      if (length < 0) continue;
      if (i === time) hour = Math.floor((view.getInt32(at) * TWO_32 + view.getUint32(at + 4)) / HOUR_US);
      if (isJson[i]) this.#takeJson(view, at, length, tags[i]!);
      else if (!isLeftOut[i]) this.#take(view, at, length, tags[i]!);
      at += length;
    }
    this.#finish(sums, hour);
    return at;
  }

  /** Takes a field: four bytes at a time, and its length with its column's tag, so that no two fields run into one. */
  #take(view: DataView, start: number, length: number, tag: number): void {
    let low = Math.imul(this.#low ^ (tag + length), SPREAD_A);
    let high = Math.imul(this.#high + tag + length, SPREAD_B);
    const end = start + length;
    let at = start;
    for (; at + 4 <= end; at += 4) {
      const word = view.getInt32(at);
      low = Math.imul(low ^ (low >>> 15) ^ word, SPREAD_A);
      high = Math.imul((high ^ (high >>> 13)) + word, SPREAD_B);
    }
    if (at < end) {
      let word = 0;
      for (; at < end; at++) word = (word << 8) | view.getUint8(at);
      low = Math.imul(low ^ (low >>> 15) ^ word, SPREAD_A);
      high = Math.imul((high ^ (high >>> 13)) + word, SPREAD_B);
    }
    this.#low = low ^ (low >>> 15);
    this.#high = high ^ (high >>> 13);
  }

  /** PostgreSQL doesn't give JSON back as it was written, so that its form is hashed. */
  #takeJson(view: DataView, start: number, length: number, tag: number): void {
    // Behind a byte that says which version of jsonb's text it is.
    const text = Buffer.from(view.buffer, view.byteOffset + start + 1, length - 1).toString();
    let form = this.#forms.get(text);
    if (form === undefined) {
      if (this.#forms.size >= FORMS_MAX) this.#forms.clear();
      form = Buffer.from(jsonFormOrText(text));
      this.#forms.set(text, form);
    }
    this.#take(new DataView(form.buffer, form.byteOffset, form.length), 0, form.length, tag);
  }

  /** Each half is spread over all of its bits, by the other one. */
  #finish(sums: HashTaker, hour: number): void {
    let low = Math.imul(this.#low ^ (this.#high >>> 16), SPREAD_C);
    let high = Math.imul(this.#high ^ (low >>> 13), SPREAD_A);
    low = Math.imul(low ^ (high >>> 16), SPREAD_B);
    high = Math.imul(high ^ (low >>> 15), SPREAD_C);
    sums.add(hour, low ^ (low >>> 16), high ^ (high >>> 13));
  }
}

/** FNV-1a of a column's name. */
function tagOf(name: string): number {
  let hash = 0x811c9dc5;
  for (const character of name) hash = Math.imul(hash ^ character.codePointAt(0)!, 0x01000193);
  return hash;
}
