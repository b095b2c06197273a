import { storedHeaders } from "../../batch/encode/headers.ts";
import type { Config } from "../../config.ts";
import { HEX_BYTES_MAX, readableBytes, readableHeaders } from "../../dead-letter/readable.ts";
import { TradetapeError } from "../../errors.ts";
import { schemaIdOf } from "../../event/codec.ts";
import type { Registry } from "../../event/registry.ts";
import type { EventTopic } from "../../event/schemas.ts";
import { RecordJudge } from "../../reading/record-judge.ts";
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
  readonly #judge: RecordJudge;

  constructor(topic: EventTopic, registry: Registry, config: Config) {
    this.#judge = new RecordJudge(topic, registry, config);
  }

  /** @throws TradetapeError registry_unreachable */
  async look(batch: FetchedBatch): Promise<SeenRecord[]> {
    const records = readable(batch);
    if (records instanceof TradetapeError) return [damaged(batch, records)];
    await this.#judge.prepare(batch);
    return Array.from({ length: records.count }, (_, index) => this.#see(batch.partition, records, index));
  }

  #see(partition: number, records: Records, index: number): SeenRecord {
    const { key, value, headers } = records.record(index);
    const { event, letter } = this.#judge.judge(records, index, value);
    return {
      partition,
      offset: records.offsetOf(index),
      publishedAtMs: records.publishedAtMs(index),
      key: key === null ? null : readableBytes(key),
      headers: readableHeaders(storedHeaders(headers)),
      schemaId: schemaIdOf(value) ?? null,
      event,
      letter,
      valueBytes: value?.length ?? null,
      valueHex: event === null ? (value?.subarray(0, HEX_BYTES_MAX).toString("hex") ?? null) : null,
    };
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
