import { RECORD_BYTES, type RecordBatch } from "../wire/record-batch.ts";
import type { RecordHeaders } from "../wire/record-writer.ts";
import { number, readNumber, skipNumber } from "../wire/varint.ts";
import { type BufferedRecords, NO_BROKERS_TIME, type RawRecord, type ValuePlace } from "./records.ts";

const IS_NULL = -1;
/** Length, attributes, time, offset, the lengths of key and value, the number of headers. */
const RECORD_BYTES_MIN = 7;
/** Producers fill batches of a megabyte; one of millions of records was made to fill the memory with where they are. */
const RECORDS_MAX = 2 ** 20;

/** The bytes of a batch aren't the records that its header tells of. */
export class Damaged extends Error {}

/** How many records a batch says it has, checked against its bytes, because memory is taken by it before they are read. */
function countOf(batch: RecordBatch): number {
  const { count, records } = batch;
  if (count > RECORDS_MAX) throw new Damaged(`it has ${count} records, more than ${RECORDS_MAX}`);
  if (count < 0 || count * RECORD_BYTES_MIN > records.length) throw new Damaged(`it can't hold ${count} records`);
  return count;
}

/** How much of a buffer may be unused before its bytes are copied into one of their size. */
const SLACK_MAX = 1.2;

/** A buffer that keeps nothing else in memory: a batch's own where it is the only one, because that may be as large as may be. */
function bytesOf(batches: readonly RecordBatch[]): Buffer {
  const [lone] = batches;
  if (batches.length === 1 && lone!.isOwnBuffer) {
    const { records } = lone!;
    if (records.buffer.byteLength <= SLACK_MAX * records.length) return records;
  }
  // Not from Node's pool, whose whole block a record that waits alone would keep in memory.
  const bytes = Buffer.allocUnsafeSlow(batches.reduce((sum, { records }) => sum + records.length, 0));
  let at = 0;
  for (const { records } of batches) at += records.copy(bytes, at);
  return bytes;
}

/**
 * The records of one partition's fetch as the log laid them out: their bytes, and where each begins. Keys and
 * headers are read only when `record` is called, because most landings need neither.
 */
export class BatchRecords implements BufferedRecords {
  readonly count: number;
  readonly bufferBytes: number;
  readonly #bytes: Buffer;
  /** Per record: where it begins behind its length, where its value begins (-1: it has none) and ends. */
  readonly #places: Int32Array;
  readonly #offsets: Float64Array;
  readonly #timesMs: Float64Array;
  /** By offset. */
  readonly #faults: ReadonlyMap<number, string>;

  /**
   * @param batches in offset order, opened; copied, unless one alone has a buffer of its own
   * @param fromOffset where the fetch began: records below it are left out, as the broker sends whole batches
   * @throws Damaged
   */
  constructor(batches: readonly RecordBatch[], fromOffset: number) {
    const total = batches.reduce((sum, batch) => sum + countOf(batch), 0);
    this.#bytes = bytesOf(batches);
    this.#places = new Int32Array(total * 3);
    this.#offsets = new Float64Array(total);
    this.#timesMs = new Float64Array(total);
    this.#faults = new Map(batches.flatMap(({ fault, lastOffset }) => (fault ? [[lastOffset, fault] as const] : [])));
    let count = 0;
    let start = 0;
    for (const batch of batches) {
      count = this.#find(batch, start, fromOffset, count);
      start += batch.records.length;
    }
    this.count = count;
    this.bufferBytes = this.#bytes.length + count * RECORD_BYTES;
  }

  /** Finds a batch's records from byte `start` on. @returns how many there are with those before */
  #find(batch: RecordBatch, start: number, fromOffset: number, before: number): number {
    const bytes = this.#bytes;
    const end = start + batch.records.length;
    let found = before;
    let least = batch.firstOffset;
    let at = start;
    for (let n = 0; n < batch.count; n++) {
      const recordAt = readNumber(bytes, at);
      const recordEnd = recordAt + number;
      // Behind the length: a byte of attributes, then the time and the offset as differences to the batch's. The producer's
      // time is passed over: of two revisions a clock that goes wrong would make the older one the later.
      at = skipNumber(bytes, recordAt + 1);
      at = readNumber(bytes, at);
      const offset = batch.firstOffset + number;
      at = readNumber(bytes, at);
      at = readNumber(bytes, at + Math.max(0, number));
      const valueLength = number;
      if (recordEnd > end || at + valueLength > recordEnd)
        throw new Damaged(`the record at offset ${offset} is damaged`);
      if (offset < least || offset > batch.lastOffset) throw new Damaged(`a record of it is at offset ${offset}`);
      least = offset + 1;
      const valueEnd = at + Math.max(0, valueLength);
      // Most records have no headers.
      if (bytes[valueEnd] !== 0 || valueEnd + 1 !== recordEnd) this.#requireHeaders(valueEnd, recordEnd);
      if (offset >= fromOffset) {
        this.#places[found * 3] = recordAt;
        this.#places[found * 3 + 1] = valueLength < 0 ? IS_NULL : at;
        this.#places[found * 3 + 2] = valueEnd;
        this.#offsets[found] = offset;
        this.#timesMs[found] = batch.timeMs ?? NO_BROKERS_TIME;
        found++;
      }
      at = recordEnd;
    }
    if (at !== end) throw new Damaged(`bytes behind its ${batch.count} records`);
    return found;
  }

  /** @throws Damaged where the bytes [start, end) aren't as many headers as they say */
  #requireHeaders(start: number, end: number): void {
    const bytes = this.#bytes;
    let at = readNumber(bytes, start);
    const count = number;
    let n = 0;
    for (; n < count && at < end; n++) {
      at = readNumber(bytes, at);
      if (number < 0) break;
      at = readNumber(bytes, at + number);
      at += Math.max(0, number);
    }
    if (n !== count || at !== end) throw new Damaged("the headers of a record are damaged");
  }

  offsetOf(index: number): number {
    return this.#offsets[index]!;
  }

  publishedAtMs(index: number): number {
    return this.#timesMs[index]!;
  }

  locate(index: number, place: ValuePlace): void {
    place.bytes = this.#bytes;
    place.start = this.#places[index * 3 + 1]!;
    place.end = place.start === IS_NULL ? IS_NULL : this.#places[index * 3 + 2]!;
  }

  headersOf(index: number): RecordHeaders | undefined {
    return this.#headers(this.#places[index * 3 + 2]!);
  }

  record(index: number): RawRecord {
    const bytes = this.#bytes;
    const valueAt = this.#places[index * 3 + 1]!;
    const valueEnd = this.#places[index * 3 + 2]!;
    const keyAt = readNumber(bytes, readNumber(bytes, skipNumber(bytes, this.#places[index * 3]! + 1)));
    return {
      key: number < 0 ? null : bytes.subarray(keyAt, keyAt + number),
      value: valueAt === IS_NULL ? null : bytes.subarray(valueAt, valueEnd),
      headers: this.#headers(valueEnd),
    };
  }

  faultAt(index: number): string | undefined {
    return this.#faults.get(this.#offsets[index]!);
  }

  /** The headers from byte `start` on; the values of a name that comes more than once are a list. */
  #headers(start: number): RecordHeaders | undefined {
    const bytes = this.#bytes;
    let at = readNumber(bytes, start);
    const count = number;
    if (count === 0) return undefined;
    const headers = new Map<string, Buffer | null | (Buffer | null)[]>();
    for (let n = 0; n < count; n++) {
      at = readNumber(bytes, at);
      const name = bytes.toString("utf8", at, at + number);
      at = readNumber(bytes, at + number);
      const value = number < 0 ? null : bytes.subarray(at, at + number);
      at += Math.max(0, number);
      const known = headers.get(name);
      headers.set(name, known === undefined ? value : Array.isArray(known) ? [...known, value] : [known, value]);
    }
    return Object.fromEntries(headers) as RecordHeaders;
  }
}
