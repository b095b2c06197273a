import { CopyBuffer } from "../../table/rows/copy-buffer.ts";

/** Rows of one table in COPY's binary format, in offset order. */
export interface Rows {
  readonly bytes: Buffer;
  /** Where each row ends in `bytes`. */
  readonly ends: ArrayLike<number>;
  /** The index of the record that each row came from. */
  readonly indexes: ArrayLike<number>;
}

/** A bar has some 190 bytes as a row, a tick some 120. */
const ROW_BYTES = 256;
/** How many rows say what a row takes, before there is room for all. */
const SAMPLE_ROWS = 64;
/** So much longer may the others be on average before the buffer has to grow, which copies it. */
const MARGIN = 9 / 8;

/** Rows in the making: `close` makes a row of what was written to `out` since the last `close`. */
export class RowsWriter {
  readonly out: CopyBuffer;
  readonly #isSampling: boolean;
  /** Made at its full size, because arrays that grow leave 50 bytes a row to the garbage collector. */
  readonly #ends: Uint32Array;
  readonly #indexes: Uint32Array;
  #count = 0;

  /**
   * @param rowsMax how many rows can be closed
   * @param bytes what they take together; without it the first rows say so, because rows of one table are about as long as
   * each other, and a guess that is half of it costs two buffers more
   */
  constructor(rowsMax: number, bytes?: number) {
    this.#isSampling = bytes === undefined && rowsMax > SAMPLE_ROWS;
    this.out = new CopyBuffer(bytes ?? Math.min(rowsMax, SAMPLE_ROWS) * ROW_BYTES);
    this.#ends = new Uint32Array(rowsMax);
    this.#indexes = new Uint32Array(rowsMax);
  }

  /** Makes a row of what was written since the last `close`, and notes the record that it came from. */
  close(index: number): void {
    this.#ends[this.#count] = this.out.length;
    this.#indexes[this.#count++] = index;
    if (this.#count === SAMPLE_ROWS && this.#isSampling) this.#makeRoom();
  }

  #makeRoom(): void {
    const left = this.#ends.length - this.#count;
    this.out.reserve(Math.ceil((this.out.length / this.#count) * left * MARGIN));
  }

  end(): Rows {
    const bytes = this.out.bytes.subarray(0, this.out.length);
    return { bytes, ends: this.#own(this.#ends), indexes: this.#own(this.#indexes) };
  }

  /** A copy, not a view, of what is filled: a batch that was cut would keep the memory for all rows of its fetch. */
  #own(all: Uint32Array): Uint32Array {
    return this.#count === all.length ? all : all.slice(0, this.#count);
  }
}
