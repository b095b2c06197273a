import type { AnyDraft } from "../../src/agent/draft.ts";
import { encodeEvent } from "../../src/event/codec.ts";
import type { Registry } from "../../src/event/registry.ts";
import { EVENT_BY_TOPIC, EVENT_TOPICS, type EventTopic } from "../../src/event/schemas.ts";
import { BatchRecords } from "../../src/topic/fetch/batch-records.ts";
import { FetchedBatch } from "../../src/topic/fetch/fetched-batch.ts";
import type { LogAdmin, LogClient, LogMember, LogProducer, MemberHandlers } from "../../src/topic/log-client.ts";
import type { Mark, TopicPartition } from "../../src/topic/offsets.ts";
import { recordBatch } from "../../src/topic/patch/produce-request.ts";
import { RecordBatch } from "../../src/topic/wire/record-batch.ts";
import type { Dice } from "../chaos/dice.ts";
import { OWN_WRITERS } from "../event/avro-types.ts";
import { bufferedRecords, type TestRecord } from "../topic/fetch/buffered-records.ts";

/** The broker's time of every record. */
const PUBLISHED_MS = Date.UTC(2025, 0, 1);
const PARTITIONS = 2;
const FETCH_RECORDS_MAX = 300;

/** Schema n is that of topic n. */
export const registry: Registry = {
  register: () => Promise.reject(new Error("nothing is registered here")),
  fetch: () => Promise.reject(new Error("every schema is known here")),
  writer: (id) => OWN_WRITERS[EVENT_BY_TOPIC[EVENT_TOPICS[id]!]],
  isStale: () => false,
};

/** How often what fails; 0 is never. */
export interface Faults {
  publish: number;
  produce: number;
  mark: number;
}

interface Partition {
  low: number;
  readonly records: TestRecord[];
}

/** A cluster in memory, with one program at a time on it: what a program reads, publishes, marks and keeps as snapshots. */
export class MemoryLog implements Pick<LogClient, "openAdmin" | "openProducer" | "member"> {
  readonly #topics = new Map<string, Partition[]>();
  readonly #marks = new Map<string, Mark>();
  readonly #dice: Dice;
  readonly faults: Faults = { publish: 0, produce: 0, mark: 0 };
  /** Everything that was ever published, in order. */
  readonly told: { readonly topic: EventTopic; readonly event: Readonly<Record<string, unknown>> }[] = [];

  constructor(dice: Dice) {
    this.#dice = dice;
  }

  partitions(topicName: string): Partition[] {
    const count = topicName === "snapshots" ? 1 : PARTITIONS;
    const known = this.#topics.get(topicName) ?? Array.from({ length: count }, () => ({ low: 0, records: [] }));
    this.#topics.set(topicName, known);
    return known;
  }

  /** Removes the records below an offset, as retention does. */
  cut(topicName: string, partition: number, offset: number): void {
    const log = this.partitions(topicName)[partition]!;
    log.low = Math.max(log.low, offset);
  }

  #append(topicName: string, partition: number, key: Buffer | null, value: Buffer | null): void {
    const { records } = this.partitions(topicName)[partition]!;
    records.push({ offset: records.length, timeMs: PUBLISHED_MS, key, value });
  }

  /** Records of events that were fetched from where they were asked for, at least once. */
  fetched = 0;
  /** Whether the process that publishes was killed. */
  isDead = false;

  /** Publishes an event: where it fails, the event may be in the log all the same, but none behind it. */
  readonly publish = async ({ topic, event }: AnyDraft): Promise<void> => {
    if (this.isDead) throw new Error("killed before");
    const fails = this.#dice.happens(this.faults.publish);
    this.isDead = fails;
    if (fails && this.#dice.happens(0.5)) throw new Error("killed before it was published");
    const value = encodeEvent(topic, EVENT_TOPICS.indexOf(topic), event);
    const symbol = "symbol_id" in event ? event.symbol_id : null;
    this.#append(topic, symbol ? symbol.charCodeAt(0) % PARTITIONS : 0, null, value);
    this.told.push({ topic, event });
    if (fails) throw new Error("killed after it was published");
  };

  async openAdmin(): Promise<LogAdmin> {
    const admin: Partial<LogAdmin> = {
      fetchMarks: async (groupId, topicName) =>
        [...this.#marks].flatMap(([key, mark]) =>
          key.startsWith(`${groupId} `) && mark.topicName === topicName ? [mark] : [],
        ),
      fetchOffsets: async (topicName) =>
        this.partitions(topicName).map(({ low, records }, partition) => ({ partition, low, high: records.length })),
      close: async () => {},
    };
    return admin as LogAdmin;
  }

  async openProducer(): Promise<LogProducer> {
    return {
      clockAheadMs: 0,
      produce: async (topicName, batches) => {
        const fails = this.#dice.happens(this.faults.produce);
        for (const { partition, records } of batches) {
          const all = new BatchRecords([new RecordBatch(recordBatch(records, 0), records.bytes)], 0);
          const count = fails ? this.#dice.between(0, all.count) : all.count;
          for (let n = 0; n < count; n++) {
            const { key, value } = all.record(n);
            this.#append(topicName, partition, key && Buffer.from(key), value && Buffer.from(value));
          }
        }
        if (fails) throw new Error("killed while it wrote a snapshot");
        return new Map(batches.map(({ partition }) => [partition, 0]));
      },
      close: async () => {},
    };
  }

  member({ groupId, topicNames }: { readonly groupId: string; readonly topicNames: readonly string[] }): LogMember {
    const places = topicNames.flatMap((topicName) =>
      this.partitions(topicName).map((_, partition) => ({ topicName, partition, next: 0, seeks: 0, isHeld: false })),
    );
    const placeOf = (at: TopicPartition) =>
      places.find(({ topicName, partition }) => topicName === at.topicName && partition === at.partition)!;
    let [isStopped, ended]: [boolean, Promise<void>] = [false, Promise.resolve()];
    const pump = async (handlers: MemberHandlers) => {
      while (!isStopped) {
        await new Promise(setImmediate);
        const ready = places.filter(
          (at) => !at.isHeld && at.next < this.partitions(at.topicName)[at.partition]!.records.length,
        );
        if (ready.length === 0) continue;
        const place = this.#dice.pick(ready);
        const { seeks } = place;
        const batch = this.#fetch(place);
        await handlers
          .onBatch(
            batch,
            async () => {},
            () => place.seeks !== seeks,
          )
          .catch(handlers.onCrash);
        if (place.seeks === seeks && place.topicName !== "snapshots") this.fetched += batch.records.count;
        if (place.seeks === seeks) place.next = batch.nextOffset;
      }
    };
    return {
      start: async (handlers) => {
        handlers.onAssigned(places);
        ended = pump(handlers);
      },
      seek: (at, offset) => Object.assign(placeOf(at), { next: offset, seeks: placeOf(at).seeks + 1, isHeld: false }),
      hold: (at) => Object.assign(placeOf(at), { isHeld: true }),
      letGo: (at) => Object.assign(placeOf(at), { isHeld: false }),
      pause: () => {},
      mark: async (marks) => {
        if (this.#dice.happens(this.faults.mark)) throw new Error("rebalance in progress");
        for (const mark of marks) this.#marks.set(`${groupId} ${mark.topicName}/${mark.partition}`, mark);
      },
      stop: async () => {
        isStopped = true;
        await ended;
      },
    };
  }

  #fetch({ topicName, partition, next }: { topicName: string; partition: number; next: number }): FetchedBatch {
    const { low, records } = this.partitions(topicName)[partition]!;
    const from = Math.max(next, low);
    const some = records.slice(from, from + this.#dice.between(1, FETCH_RECORDS_MAX));
    const range = { topicName, partition, fetchedOffset: from, nextOffset: from + some.length, logEnd: records.length };
    return new FetchedBatch(range, bufferedRecords(some), some.length);
  }
}
