import type { KafkaMessage } from "kafkajs";
import { PLACE_BYTES } from "./kept-records.ts";
import { type HeldRecords, type RawRecord, type Records, ValuePlace } from "./records.ts";

/** What one fetch brought of one partition. It covers [fetchedOffset, nextOffset), with or without a record in each. */
export class FetchedBatch implements Records {
  readonly partition: number;
  readonly fetchedOffset: number;
  readonly nextOffset: number;
  /** What keeping its records until they have landed takes, headers aside (topic/kept-records.ts). */
  readonly keepBytes: number;
  /** Offsets of the range that the log held nothing for: not a record, not a marker, not an aborted record. */
  readonly missing: number;
  /** Its records where they are kept already, and needn't be copied once more. */
  readonly held: HeldRecords | undefined;
  readonly count: number;
  readonly #records: Records;

  /** @param raw how many records of any kind the log held from `fetchedOffset` to `lastOffset` */
  constructor(
    partition: number,
    fetchedOffset: number,
    lastOffset: number,
    records: HeldRecords | readonly KafkaMessage[],
    raw: number,
  ) {
    this.partition = partition;
    this.fetchedOffset = fetchedOffset;
    this.nextOffset = lastOffset + 1;
    this.missing = this.nextOffset - fetchedOffset - raw;
    this.held = "heldBytes" in records ? records : undefined;
    this.#records = "heldBytes" in records ? records : messageRecords(records);
    this.count = this.#records.count;
    this.keepBytes = "heldBytes" in records ? records.heldBytes : keepBytes(records);
  }

  offsetOf(index: number): number {
    return this.#records.offsetOf(index);
  }

  publishedAtMs(index: number): number {
    return this.#records.publishedAtMs(index);
  }

  locate(index: number, place: ValuePlace): void {
    this.#records.locate(index, place);
  }

  record(index: number): RawRecord {
    return this.#records.record(index);
  }

  /** The first value of each run of values that begin with the same bytes: in these bytes is the name of a schema. */
  *heads(length: number): Generator<Buffer> {
    const place = new ValuePlace();
    let last: Buffer | undefined;
    for (let index = 0; index < this.count; index++) {
      this.locate(index, place);
      const { bytes, start, end } = place;
      if (end - start < length || (last !== undefined && beginsWith(bytes, start, last, length))) continue;
      last = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start);
      yield last;
    }
  }
}

function beginsWith(bytes: Uint8Array, start: number, other: Uint8Array, length: number): boolean {
  for (let i = 0; i < length; i++) if (bytes[start + i] !== other[i]) return false;
  return true;
}

const messageRecords = (messages: readonly KafkaMessage[]): Records => ({
  count: messages.length,
  offsetOf: (index) => Number(messages[index]!.offset),
  publishedAtMs: (index) => Number(messages[index]!.timestamp),
  locate: (index, place) => place.hold(messages[index]!.value),
  record: (index) => messages[index]!,
});

function keepBytes(messages: readonly KafkaMessage[]): number {
  let bytes = 0;
  for (const { key, value } of messages) bytes += (key?.length ?? 0) + (value?.length ?? 0) + PLACE_BYTES;
  return bytes;
}
