import { judge, Patience } from "../batch/patience.ts";
import type { Config } from "../config.ts";
import type { Log } from "../log.ts";
import type { FetchedBatch } from "../topic/fetch/fetched-batch.ts";
import type { LogAdmin } from "../topic/log-client.ts";
import type { LogPlace, TopicPartition } from "../topic/offsets.ts";
import { readOnward } from "../topic/read-onward.ts";
import { FetchedRecord, HandedEvent, HandedGone, HandedPoison } from "./handed.ts";
import type { Era, Holding } from "./holding.ts";
import type { Message } from "./message.ts";
import type { RecordJudge } from "./record-judge.ts";
import type { Strand } from "./strand.ts";
import type { Subscription } from "./subscription.ts";
import type { NamedTopic } from "./where-from.ts";

interface Reading {
  readonly config: Pick<Config, "fetchPartitionBytesMax">;
  readonly log: Log;
  readonly admin: LogAdmin;
  readonly holding: Holding;
  /** By the topic's full name. */
  readonly judges: ReadonlyMap<string, NamedTopic & { readonly judge: RecordJudge }>;
  readonly isWanted: ((event: Readonly<Record<string, unknown>>) => boolean) | undefined;
  readonly onEnd: () => void;
}

/** Reads what its holding says, era by era. It closes the admin that it is given. */
export class LogSubscription implements Subscription {
  readonly #reading: Reading;
  readonly #messages: AsyncGenerator<Message>;
  #strands: readonly Strand[] = [];
  #left: Promise<void> | undefined;
  #ended: Promise<void> | undefined;

  constructor(reading: Reading) {
    this.#reading = reading;
    this.#messages = this.#read();
  }

  [Symbol.asyncIterator](): AsyncIterator<Message> {
    return this.#messages;
  }

  async *#read(): AsyncGenerator<Message> {
    const { holding } = this.#reading;
    try {
      for (let era = await holding.era(); era !== undefined; era = await holding.era()) {
        this.#strands = era.strands;
        const gone = new Map<Strand, HandedGone>();
        try {
          for await (const { seen, next, ...at } of this.#runs(era, gone)) {
            const strand = strandOf(era, at);
            const hole = gone.get(strand);
            gone.delete(strand);
            for (const record of hole === undefined ? seen : [hole, ...seen]) {
              const message = record instanceof HandedGone ? record : this.#messageOf(record);
              if (message === undefined) continue;
              strand.hand(message.offset);
              yield message as Message;
              if (strand.isLost || this.#left !== undefined) break;
            }
            if (this.#left !== undefined) return;
            strand.pass(next);
          }
        } catch (error) {
          // What waits for a service when the era is over waits no longer.
          if (!(era.over.aborted && (error as Error).name === "AbortError")) throw error;
        }
      }
    } finally {
      await this.#end();
    }
  }

  async *#runs(era: Era, gone: Map<Strand, HandedGone>) {
    const { admin, judges, config, log } = this.#reading;
    const patience = new Patience(log, era.over);
    const names = [...judges.keys()];
    const insist = <R>(attempt: () => Promise<R>) =>
      patience.insist(names.join(", "), attempt, (error) => judge(error, names.join(", ")));
    const places = era.strands.map((strand): LogPlace => ({ ...placeOf(strand), offset: strand.next }));
    const ends: LogPlace[] = [];
    for (const topicName of new Set(places.map((place) => place.topicName)))
      for (const { partition, high } of await insist(() => admin.fetchOffsets(topicName)))
        ends.push({ topicName, partition, offset: high });
    const reading = {
      log: {
        fetchRecords: (...asked: Parameters<LogAdmin["fetchRecords"]>) => insist(() => admin.fetchRecords(...asked)),
        fetchOffsets: (topicName: string) => insist(() => admin.fetchOffsets(topicName)),
      },
      partitionBytesMax: config.fetchPartitionBytesMax,
      stop: era.over,
      look: async (batch: FetchedBatch) => {
        await insist(() => judges.get(batch.topicName)!.judge.prepare(batch));
        const { records } = batch;
        const strand = strandOf(era, batch);
        return Array.from({ length: records.count }, (_, index) => new FetchedRecord(strand, records, index));
      },
    };
    const onGone = (at: TopicPartition, from: number, to: number) => {
      const strand = strandOf(era, at);
      gone.set(strand, new HandedGone(judges.get(at.topicName)!.topic, strand, from, to));
    };
    yield* readOnward(reading, places, { ends, isFollowing: true, onGone });
  }

  /** @returns undefined where it isn't wanted */
  #messageOf(record: FetchedRecord): HandedEvent | HandedPoison | undefined {
    const { judges, isWanted } = this.#reading;
    const { strand, records, index } = record;
    const { topic, judge: of } = judges.get(strand.topicName)!;
    const raw = records.record(index);
    const { event, letter } = of.judge(records, index, raw.value);
    if (event !== null && isWanted !== undefined && !isWanted(event)) return undefined;
    if (letter !== null) return new HandedPoison(topic, record, raw, { ...letter, event });
    return new HandedEvent(topic, record, raw, event!);
  }

  async ackAll(): Promise<boolean> {
    const kept = await Promise.all(this.#strands.map((strand) => strand.ackAll()));
    return kept.every((isKept) => isKept);
  }

  async close(): Promise<void> {
    // What is being read ends with the era, and then the loop does.
    await this.#leave();
    await this.#messages.return(undefined);
    await this.#end();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #leave(): Promise<void> {
    this.#left ??= this.#reading.holding.close();
    return this.#left;
  }

  #end(): Promise<void> {
    this.#ended ??= this.#leave().then(async () => {
      await this.#reading.admin.close();
      this.#reading.onEnd();
    });
    return this.#ended;
  }
}

const placeOf = ({ topicName, partition }: TopicPartition): TopicPartition => ({ topicName, partition });

const strandOf = ({ strands }: Era, at: TopicPartition): Strand =>
  strands.find(({ topicName, partition }) => topicName === at.topicName && partition === at.partition)!;
