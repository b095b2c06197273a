import { isOwnEntry } from "../../audit/own-entry.ts";
import { brokenLetter } from "../../batch/encode/encoded-batch.ts";
import { storedHeaders } from "../../batch/encode/headers.ts";
import { RESERVING } from "../../batch/encode/judge.ts";
import { type EventReading, readEvent } from "../../batch/encode/read-event.ts";
import type { Config } from "../../config.ts";
import { HEX_BYTES_MAX, readableBytes, readableHeaders } from "../../dead-letter/readable.ts";
import { TradetapeError } from "../../errors.ts";
import { EventReader, HEADER_BYTES, schemaIdOf } from "../../event/codec.ts";
import { Refusal } from "../../event/letter.ts";
import type { Registry } from "../../event/registry.ts";
import { RULES } from "../../event/rules.ts";
import type { EventTopic } from "../../event/schemas.ts";
import { checkEvent } from "../../event/validate.ts";
import type { FetchedBatch } from "../../topic/fetch/fetched-batch.ts";
import { NO_BROKERS_TIME, type Records } from "../../topic/fetch/records.ts";
import type { Seen } from "../../topic/read-newest.ts";

type Fields = Readonly<Record<string, unknown>>;

/** A record as a person sees it. It keeps nothing of the fetch that it came by in memory. */
export interface SeenRecord extends Seen {
  readonly key: string | null;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly schemaId: number | null;
  /** Null where it can't be read. */
  readonly event: Fields | null;
  /** What a letter of it would say, as far as the event alone tells; null where it tells of nothing. */
  readonly letter: { readonly reason: string; readonly detail: string } | null;
  /** Null is a tombstone. */
  readonly valueBytes: number | null;
  /** The first of its bytes, where there is no event to show. */
  readonly valueHex: string | null;
}

/** Reads records as landing reads them, without a database. */
export class RecordViewer {
  readonly #reading: EventReading;
  readonly #off: Config["rulesOff"];
  readonly #registry: Registry;

  constructor(topic: EventTopic, registry: Registry, { eventBytesMax, early1970, rulesOff }: Config) {
    this.#registry = registry;
    this.#reading = { consumer: { topic }, reader: new EventReader(topic, registry), eventBytesMax, early1970 };
    this.#off = rulesOff;
  }

  /** @throws TradetapeError registry_unreachable */
  async look(batch: FetchedBatch): Promise<SeenRecord[]> {
    const records = readable(batch);
    if (records instanceof TradetapeError) return [damaged(batch, records)];
    for (const id of this.#reading.reader.missing(batch.heads(HEADER_BYTES))) await this.#registry.fetch(id);
    return Array.from({ length: records.count }, (_, index) => this.#see(batch.partition, records, index));
  }

  #see(partition: number, records: Records, index: number): SeenRecord {
    const { key, value, headers } = records.record(index);
    const publishedAtMs = records.publishedAtMs(index);
    const { event, letter } = this.#read(records, index, value, publishedAtMs);
    return {
      partition,
      offset: records.offsetOf(index),
      publishedAtMs,
      key: key === null ? null : readableBytes(key),
      headers: readableHeaders(storedHeaders(headers)),
      schemaId: schemaIdOf(value) ?? null,
      event,
      letter,
      valueBytes: value?.length ?? null,
      valueHex: event === null ? (value?.subarray(0, HEX_BYTES_MAX).toString("hex") ?? null) : null,
    };
  }

  #read(
    records: Records,
    index: number,
    value: Buffer | null,
    publishedAtMs: number,
  ): Pick<SeenRecord, "event" | "letter"> {
    const fault = value === null ? records.faultAt(index) : undefined;
    if (fault !== undefined) return { event: null, letter: { reason: "unreadable_batch", detail: fault } };
    const read = readEvent(this.#reading, value, publishedAtMs * 1000);
    if (read instanceof Refusal) {
      // Of a wrong time the event can be read, and is what one wants to see.
      const event = this.#reading.reader.read(value);
      return { event: event instanceof Refusal ? null : event, letter: { reason: read.reason, detail: read.detail } };
    }
    const isStamped = publishedAtMs !== NO_BROKERS_TIME;
    const detail = "the record has its producer's time, not the broker's";
    return { event: read, letter: isStamped ? this.#judge(read) : { reason: "producer_time", detail } };
  }

  /** Rules that PostgreSQL holds are asked, too, as this program asks them before it publishes. */
  #judge(event: Fields): SeenRecord["letter"] {
    const { topic } = this.#reading.consumer;
    const reserving = topic === "audit" && isOwnEntry(event) ? RESERVING : [];
    const wrong = checkEvent(topic, event, new Set([...this.#off, ...reserving]));
    if (wrong === null) return null;
    const rule = RULES[topic].find(({ says }) => says === wrong);
    return rule === undefined ? { reason: "invalid", detail: wrong } : brokenLetter(rule);
  }
}

function readable(batch: FetchedBatch): Records | TradetapeError {
  try {
    return batch.records;
  } catch (error) {
    if (error instanceof TradetapeError && error.code === "batch_unreadable") return error;
    throw error;
  }
}

const damaged = ({ partition, fetchedOffset }: FetchedBatch, { code, message }: TradetapeError): SeenRecord => ({
  partition,
  offset: fetchedOffset,
  publishedAtMs: NO_BROKERS_TIME,
  key: null,
  headers: {},
  schemaId: null,
  event: null,
  letter: { reason: code, detail: message },
  valueBytes: null,
  valueHex: null,
});
