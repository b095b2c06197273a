import { CopyBuffer } from "../../table/rows/copy-buffer.ts";

/** Rows of one table in COPY's binary format, in offset order. */
export interface Rows {
  readonly bytes: Buffer;
  /** Where each row ends in `bytes`. */
  readonly ends: ArrayLike<number>;
  /** The record each row came from. */
  readonly indexes: ArrayLike<number>;
}

/** A tick of a real feed has about 120 bytes as a row; a buffer that is too small is copied once into a larger one. */
const ROW_BYTES = 128;
const BYTES_MIN = 512;

/** Rows in the making: what was written to `out` since the last `close` is the next row, if it is closed. */
export class RowsWriter {
  readonly out: CopyBuffer;
  /** Of a known size: arrays that grow leave the collector 50 bytes a row. */
  readonly #ends: Uint32Array;
  readonly #indexes: Uint32Array;
  #count = 0;

  /**
   * @param rowsMax as many can be closed
   * @param bytes what they will take, as far as it is known
   */
  constructor(rowsMax: number, bytes = Math.max(BYTES_MIN, rowsMax * ROW_BYTES)) {
    this.out = new CopyBuffer(bytes);
    this.#ends = new Uint32Array(rowsMax);
    this.#indexes = new Uint32Array(rowsMax);
  }

  /** The row that was written last is this record's. */
  close(index: number): void {
    this.#ends[this.#count] = this.out.length;
    this.#indexes[this.#count++] = index;
  }

  end(): Rows {
    const bytes = this.out.bytes.subarray(0, this.out.length);
    return { bytes, ends: this.#own(this.#ends), indexes: this.#own(this.#indexes) };
  }

  /** Not a view of all: a batch that was cut off a fetch of many days would hold what was meant for the rest of it. */
  #own(all: Uint32Array): Uint32Array {
    return this.#count === all.length ? all : all.slice(0, this.#count);
  }
}
