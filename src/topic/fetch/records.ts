import type { RecordHeaders } from "../wire/record-writer.ts";

/** One message as it was in the log. */
export interface RawRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: RecordHeaders | undefined;
}

/** Where a record's value lies: `bytes` [start, end). Null values have none, and `start` -1. */
export class ValuePlace {
  bytes: Uint8Array = NOTHING;
  start = -1;
  end = -1;

  /** The place is all of this value. */
  cover(value: Buffer | null): void {
    this.bytes = value ?? NOTHING;
    this.start = value === null ? -1 : 0;
    this.end = value === null ? -1 : value.length;
  }
}

const NOTHING = new Uint8Array(0);

/** In the place of the time of a record that was written while its topic had producers set the times (CreateTime). */
export const NO_BROKERS_TIME = 0;

/** Records of one partition in offset order; indexes count from 0. */
export interface Records {
  readonly count: number;
  offsetOf(index: number): number;
  /** The broker's time of the record, milliseconds since 1970; NO_BROKERS_TIME where the record has its producer's. */
  publishedAtMs(index: number): number;
  /** Says where the value lies, without an object per record. */
  locate(index: number, place: ValuePlace): void;
  /** The record's headers alone, undefined where it has none: most have none, and that costs no object. */
  headersOf(index: number): RecordHeaders | undefined;
  record(index: number): RawRecord;
  /** Why nobody can read the batch in whose place this record stands, without key and value; undefined for any other record. */
  faultAt(index: number): string | undefined;
}

/** Records in a buffer of their own, which keeps nothing else of their fetch in memory. */
export interface BufferedRecords extends Records {
  /** What they take in memory. */
  readonly bufferBytes: number;
}
