import { CopyBuffer } from "../../table/rows/copy-buffer.ts";

/** Rows of one table in COPY's binary format, in offset order. */
export interface Rows {
  readonly bytes: Buffer;
  /** Where each row ends in `bytes`. */
  readonly ends: ArrayLike<number>;
  /** The index of the record that each row came from. */
  readonly indexes: ArrayLike<number>;
}

/** A tick of a real feed has about 120 bytes as a row; a buffer that turns out too small is copied into a larger one. */
const ROW_BYTES = 128;
const BYTES_MIN = 512;

/** Rows in the making: `close` makes a row of what was written to `out` since the last `close`. */
export class RowsWriter {
  readonly out: CopyBuffer;
  /** Made at its full size, because arrays that grow leave 50 bytes a row to the garbage collector. */
  readonly #ends: Uint32Array;
  readonly #indexes: Uint32Array;
  #count = 0;

  /**
   * @param rowsMax how many rows can be closed
   * @param bytes what they are expected to take together
   */
  constructor(rowsMax: number, bytes = Math.max(BYTES_MIN, rowsMax * ROW_BYTES)) {
    this.out = new CopyBuffer(bytes);
    this.#ends = new Uint32Array(rowsMax);
    this.#indexes = new Uint32Array(rowsMax);
  }

  /** Makes a row of what was written since the last `close`, and notes the record that it came from. */
  close(index: number): void {
    this.#ends[this.#count] = this.out.length;
    this.#indexes[this.#count++] = index;
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
