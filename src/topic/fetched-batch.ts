import type { IHeaders, KafkaMessage } from "kafkajs";
import { PLACE_BYTES } from "./kept-records.ts";

export type RecordHeaders = IHeaders;

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
  hold(value: Buffer | null): void {
    this.bytes = value ?? NOTHING;
    this.start = value === null ? -1 : 0;
    this.end = value === null ? -1 : value.length;
  }
}

const NOTHING = new Uint8Array(0);

/** Records of one partition in offset order; indexes count from 0. */
export interface Records {
  readonly count: number;
  offsetOf(index: number): number;
  /** The broker's time of the record, milliseconds since 1970. */
  publishedAtMs(index: number): number;
  /** Says where the value lies, without an object per record. */
  locate(index: number, place: ValuePlace): void;
  record(index: number): RawRecord;
}

/** What one fetch brought of one partition. It covers [fetchedOffset, nextOffset), with or without a record in each. */
export class FetchedBatch implements Records {
  readonly partition: number;
  readonly fetchedOffset: number;
  readonly nextOffset: number;
  /** What keeping its records until they have landed takes, headers aside (topic/kept-records.ts). */
  readonly keepBytes: number;
  /** Offsets of the range that the log held nothing for: not a record, not a marker, not an aborted record. */
  readonly missing: number;
  readonly #messages: readonly KafkaMessage[];
  /** Offsets of uncompacted topics are dense, so the first one says them all; else undefined. */
  readonly #denseFrom: number | undefined;
  #timeText = "";
  #timeMs = 0;

  /** @param raw how many records of any kind the log held from `fetchedOffset` to `lastOffset` */
  constructor(
    partition: number,
    fetchedOffset: number,
    lastOffset: number,
    messages: readonly KafkaMessage[],
    raw: number,
  ) {
    this.partition = partition;
    this.fetchedOffset = fetchedOffset;
    this.nextOffset = lastOffset + 1;
    this.missing = this.nextOffset - fetchedOffset - raw;
    this.#messages = messages;
    const first = Number(messages[0]!.offset);
    this.#denseFrom = Number(messages.at(-1)!.offset) - first === messages.length - 1 ? first : undefined;
    let bytes = 0;
    for (const { key, value } of messages) bytes += (key?.length ?? 0) + (value?.length ?? 0) + PLACE_BYTES;
    this.keepBytes = bytes;
  }

  get count(): number {
    return this.#messages.length;
  }

  offsetOf(index: number): number {
    return this.#denseFrom === undefined ? Number(this.#messages[index]!.offset) : this.#denseFrom + index;
  }

  /** With LogAppendTime the records of a produce batch share one text, so most calls convert nothing. */
  publishedAtMs(index: number): number {
    const text = this.#messages[index]!.timestamp;
    if (text !== this.#timeText) {
      this.#timeText = text;
      this.#timeMs = Number(text);
    }
    return this.#timeMs;
  }

  locate(index: number, place: ValuePlace): void {
    place.hold(this.#messages[index]!.value);
  }

  record(index: number): RawRecord {
    return this.#messages[index]!;
  }

  *values(): Generator<Buffer | null> {
    for (const { value } of this.#messages) yield value;
  }
}
