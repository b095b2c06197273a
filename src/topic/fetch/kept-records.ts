import type { RawRecord, RecordHeaders, Records, ValuePlace } from "./records.ts";

/** Beside its bytes a record takes three lengths of 4 bytes, its offset and its time. */
export const PLACE_BYTES = 3 * 4 + 2 * 8;
/** A header's name and value in objects of their own. */
const HEADER_BYTES = 256;
const IS_NULL = -1;

/**
 * Records as they wait to land: one buffer of exactly their keys and values. What kafkajs gives is an object with two
 * buffers, a text and a set of headers for each record, 450 bytes of heap beside the value of a tick, and each of them
 * holds all that its fetch brought, of every partition.
 */
export class KeptRecords implements Records {
  readonly count: number;
  /** What they take in memory. */
  readonly heldBytes: number;
  readonly #bytes: Buffer;
  /** Per record: where its key begins, the lengths of key and value; the value follows the key. */
  readonly #places: Int32Array;
  readonly #offsets: Float64Array;
  readonly #timesMs: Float64Array;
  readonly #headers = new Map<number, RecordHeaders>();

  /** @param count how many to keep, from the first on */
  constructor(records: Records, count = records.count) {
    this.count = count;
    this.#places = new Int32Array(this.count * 3);
    this.#offsets = new Float64Array(this.count);
    this.#timesMs = new Float64Array(this.count);
    this.#bytes = Buffer.allocUnsafeSlow(bytesOf(records, count));
    let at = 0;
    let headerBytes = 0;
    for (let index = 0; index < this.count; index++) {
      const { key, value, headers } = records.record(index);
      this.#places[index * 3] = at;
      this.#places[index * 3 + 1] = key?.length ?? IS_NULL;
      this.#places[index * 3 + 2] = value?.length ?? IS_NULL;
      if (key) at += copyTo(this.#bytes, at, key);
      if (value) at += copyTo(this.#bytes, at, value);
      this.#offsets[index] = records.offsetOf(index);
      this.#timesMs[index] = records.publishedAtMs(index);
      headerBytes += this.#keepHeaders(index, headers);
    }
    this.heldBytes = this.#bytes.length + this.count * PLACE_BYTES + headerBytes;
  }

  offsetOf(index: number): number {
    return this.#offsets[index]!;
  }

  publishedAtMs(index: number): number {
    return this.#timesMs[index]!;
  }

  locate(index: number, place: ValuePlace): void {
    const length = this.#places[index * 3 + 2]!;
    place.bytes = this.#bytes;
    place.start = length === IS_NULL ? -1 : this.#places[index * 3]! + Math.max(0, this.#places[index * 3 + 1]!);
    place.end = length === IS_NULL ? -1 : place.start + length;
  }

  record(index: number): RawRecord {
    const at = this.#places[index * 3]!;
    const keyLength = this.#places[index * 3 + 1]!;
    const valueLength = this.#places[index * 3 + 2]!;
    const valueAt = at + Math.max(0, keyLength);
    return {
      key: keyLength === IS_NULL ? null : this.#bytes.subarray(at, valueAt),
      value: valueLength === IS_NULL ? null : this.#bytes.subarray(valueAt, valueAt + valueLength),
      headers: this.#headers.get(index),
    };
  }

  /** @returns what they take, in bytes */
  #keepHeaders(index: number, headers: RecordHeaders | undefined): number {
    if (headers === undefined) return 0;
    let bytes = 0;
    const copy = (value: string | Buffer) => {
      bytes += HEADER_BYTES + value.length;
      return typeof value === "string" ? value : Buffer.from(value);
    };
    const kept: RecordHeaders = {};
    for (const name in headers) {
      const value = headers[name];
      bytes += HEADER_BYTES + name.length;
      // Other clients send headers without a value: null, though kafkajs's types know of none.
      kept[name] = Array.isArray(value) ? value.map((one) => one && copy(one)) : value && copy(value);
    }
    if (bytes > 0) this.#headers.set(index, kept);
    return bytes;
  }
}

function copyTo(bytes: Buffer, at: number, from: Buffer): number {
  bytes.set(from, at);
  return from.length;
}

function bytesOf(records: Records, count: number): number {
  let bytes = 0;
  for (let index = 0; index < count; index++) {
    const { key, value } = records.record(index);
    bytes += (key?.length ?? 0) + (value?.length ?? 0);
  }
  return bytes;
}
