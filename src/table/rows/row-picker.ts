import { type LandingTable, landingColumns } from "./landing-table.ts";
import type { RowHasher } from "./row-hasher.ts";
import { hashOf, hourName } from "./row-sums.ts";

/** One row in COPY's binary format, in memory of its own. */
export interface PickedRow {
  readonly id: string;
  /** The hour of its time, as `RowSums` names it. */
  readonly hour: string;
  readonly hash: bigint;
  readonly row: Buffer;
}

/** Looks at rows in COPY's binary format one by one, hashes them as the landing does, and picks some of them. */
export class RowPicker {
  readonly #hasher: RowHasher;
  readonly #isHour: (hour: string) => boolean;
  readonly #id: number;
  readonly #session: number;
  /** The hour of the row that was looked at last, as `RowSums` names it, and whether its rows are wanted. */
  hour = "";
  isWanted = false;
  /** The halves of that row's hash. */
  low = 0;
  high = 0;
  #hour = Number.NaN;
  #named = Number.NaN;

  /** @param isHour whether rows of an hour are wanted */
  constructor(landing: LandingTable, hasher: RowHasher, isHour: (hour: string) => boolean) {
    this.#hasher = hasher;
    this.#isHour = isHour;
    const names = landingColumns(landing).map(({ name }) => name);
    this.#id = names.indexOf(landing.key.at(-1)!);
    this.#session = names.indexOf("backtest_session_id");
  }

  /** Looks at the row that begins at `start`. @returns where it ends */
  look(view: DataView, start: number): number {
    const end = this.#hasher.add(this, view, start);
    if (!Object.is(this.#hour, this.#named)) {
      this.hour = hourName(this.#hour);
      this.isWanted = this.#isHour(this.hour);
      this.#named = this.#hour;
    }
    return end;
  }

  /** Called by the hasher. */
  add(hour: number, low: number, high: number): void {
    this.#hour = hour;
    this.low = low;
    this.high = high;
  }

  /** Where the 16 bytes of the id of the row that begins at `start` are. */
  idAt(view: DataView, start: number): number {
    return fieldAt(view, start, this.#id) + 4;
  }

  /** The row's session, null of a live one or of a table without sessions. */
  session(view: DataView, start: number): string | null {
    if (this.#session < 0) return null;
    const at = fieldAt(view, start, this.#session);
    return view.getInt32(at) < 0 ? null : uuidText(Buffer.from(view.buffer, view.byteOffset + at + 4, 16));
  }

  /** The row that was looked at last. */
  row(view: DataView, start: number, end: number): PickedRow {
    const id = uuidText(Buffer.from(view.buffer, view.byteOffset + this.idAt(view, start), 16));
    const hash = hashOf(this.low, this.high);
    const row = Buffer.from(view.buffer, view.byteOffset + start, end - start);
    return { id, hour: this.hour, hash, row: Buffer.from(row) };
  }
}

/** Where the length of a row's field of this index stands. */
function fieldAt(view: DataView, start: number, index: number): number {
  let at = start + 2;
  for (let i = 0; i < index; i++) at += 4 + Math.max(0, view.getInt32(at));
  return at;
}

/** The fields of a row, as views of it, by column as `landingColumns` has them; null where a value is. */
export function fieldsOfRow(row: Buffer): (Buffer | null)[] {
  const fields: (Buffer | null)[] = [];
  for (let at = 2; at < row.length; ) {
    const length = row.readInt32BE(at);
    at += 4;
    fields.push(length < 0 ? null : row.subarray(at, at + length));
    at += Math.max(0, length);
  }
  return fields;
}

const uuidText = (bytes: Buffer): string =>
  bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
