import { type LandingTable, landingColumns } from "./landing-table.ts";
import type { RowHasher } from "./row-hasher.ts";
import { hourName } from "./row-sums.ts";

/** One row in COPY's binary format, in memory of its own. */
export interface PickedRow {
  readonly id: string;
  /** The hour of its time, as `RowSums` names it. */
  readonly hour: string;
  readonly hash: bigint;
  readonly row: Buffer;
}

/** Which rows are wanted, by the hour of their time and by four bytes of their id, which are as good as random. */
export interface Wanted {
  isHour(hour: string): boolean;
  isId(bytes: number): boolean;
}

/** Picks the wanted ones of rows in COPY's binary format, and hashes them as the landing does. */
export class RowPicker {
  readonly #hasher: RowHasher;
  readonly #wanted: Wanted;
  readonly #id: number;
  #hour = Number.NaN;
  #low = 0;
  #high = 0;
  /** Of the hour that came last. */
  #last = { hour: Number.NaN, name: "", isWanted: false };

  constructor(landing: LandingTable, hasher: RowHasher, wanted: Wanted) {
    this.#hasher = hasher;
    this.#wanted = wanted;
    this.#id = landingColumns(landing).findIndex(({ name }) => name === landing.key.at(-1));
  }

  /** Tells of the row that begins at `start` if it is wanted. @returns where it ends */
  pick(view: DataView, start: number, take: (row: PickedRow) => void): number {
    const end = this.#hasher.add(this, view, start);
    if (this.#hour !== this.#last.hour) {
      const name = hourName(this.#hour);
      this.#last = { hour: this.#hour, name, isWanted: this.#wanted.isHour(name) };
    }
    if (!this.#last.isWanted) return end;
    const row = Buffer.from(view.buffer, view.byteOffset + start, end - start);
    const id = fieldsOfRow(row)[this.#id]!;
    if (!this.#wanted.isId(id.readUInt32BE(0) ^ id.readUInt32BE(12))) return end;
    const hash = (BigInt(this.#high >>> 0) << 32n) | BigInt(this.#low >>> 0);
    take({ id: uuidText(id), hour: this.#last.name, hash, row: Buffer.from(row) });
    return end;
  }

  /** Called by the hasher. */
  add(hour: number, low: number, high: number): void {
    this.#hour = hour;
    this.#low = low;
    this.#high = high;
  }
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

export const uuidText = (bytes: Buffer): string =>
  bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
