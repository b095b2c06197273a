import type { IHeaders, Kafka, Consumer as KafkaConsumer, KafkaMessage } from "kafkajs";
import { TradetapeError } from "../errors.ts";

export type RecordHeaders = IHeaders;

/** One message as it was in the log. */
export interface RawRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: RecordHeaders | undefined;
}

/** Records of one partition in offset order; indexes count from 0. */
export interface Records {
  readonly count: number;
  offsetOf(index: number): number;
  /** The broker's time of the record, milliseconds since 1970. */
  publishedAtMs(index: number): number;
  record(index: number): RawRecord;
}

/** What one fetch brought of one partition. It covers [fetchedOffset, nextOffset), with or without a record in each. */
export class FetchedBatch implements Records {
  readonly partition: number;
  readonly fetchedOffset: number;
  readonly nextOffset: number;
  readonly valueBytes: number;
  readonly #messages: readonly KafkaMessage[];
  /** Offsets of uncompacted topics are dense, so the first one says them all; else undefined. */
  readonly #denseFrom: number | undefined;
  #timeText = "";
  #timeMs = 0;

  constructor(partition: number, fetchedOffset: number, lastOffset: number, messages: readonly KafkaMessage[]) {
    this.partition = partition;
    this.fetchedOffset = fetchedOffset;
    this.nextOffset = lastOffset + 1;
    this.#messages = messages;
    const first = Number(messages[0]!.offset);
    this.#denseFrom = Number(messages.at(-1)!.offset) - first === messages.length - 1 ? first : undefined;
    let bytes = 0;
    for (const message of messages) bytes += message.value?.length ?? 0;
    this.valueBytes = bytes;
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

  record(index: number): RawRecord {
    return this.#messages[index]!;
  }

  *values(): Generator<Buffer | null> {
    for (const { value } of this.#messages) yield value;
  }
}

/** What kafkajs tells a group. Handlers own no position: the database alone says what comes next. */
export interface GroupHandlers {
  /** The group was (re)joined: these partitions are ours now, all others are not. Called inside kafkajs's own event. */
  onAssigned(partitions: readonly number[]): void;
  /**
   * A batch was fetched. Resolving it lets the next fetch go on, so awaiting is the back-pressure; `heartbeat` keeps the
   * membership alive meanwhile. `isStale` says that a seek has overtaken the batch.
   */
  onBatch(batch: FetchedBatch, heartbeat: () => Promise<void>, isStale: () => boolean): Promise<void>;
  /** The group ended by itself and won't come back. */
  onCrash(error: TradetapeError): void;
}

export interface GroupOptions {
  readonly groupId: string;
  readonly topicName: string;
  readonly fetchPartitionBytesMax: number;
  readonly sessionTimeoutMs: number;
}

/** kafkajs sleeps this long when every partition is paused, and a fetch of an empty log waits as long. */
const FETCH_WAIT_MS_MAX = 250;
const PARTITIONS_PER_FETCH = 8;

/** `fetchedOffset` is there at run time and not in the types; without it a batch's range would begin at a guess. */
type BatchAtRunTime = { readonly fetchedOffset: unknown };

/**
 * A member of a Kafka consumer group, for its assignment and its bytes only. kafkajs never commits by itself here
 * (autoCommit would commit what was read, not what landed), and always starts from the beginning where Kafka knows no
 * offset: "latest" would skip what was published before.
 */
export class GroupMember {
  readonly #consumer: KafkaConsumer;
  readonly #options: GroupOptions;

  constructor(kafka: Kafka, options: GroupOptions) {
    this.#options = options;
    this.#consumer = kafka.consumer({
      groupId: options.groupId,
      sessionTimeout: options.sessionTimeoutMs,
      rebalanceTimeout: options.sessionTimeoutMs * 2,
      heartbeatInterval: Math.min(3000, options.sessionTimeoutMs / 5),
      maxWaitTimeInMs: FETCH_WAIT_MS_MAX,
      maxBytesPerPartition: options.fetchPartitionBytesMax,
      maxBytes: options.fetchPartitionBytesMax * PARTITIONS_PER_FETCH,
    });
  }

  async start(handlers: GroupHandlers): Promise<void> {
    const { topicName } = this.#options;
    this.#consumer.on(this.#consumer.events.GROUP_JOIN, ({ payload }) => {
      handlers.onAssigned(payload.memberAssignment[topicName] ?? []);
    });
    this.#consumer.on(this.#consumer.events.CRASH, ({ payload }) => {
      if (!payload.restart) handlers.onCrash(crash(topicName, payload.error));
    });
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topic: topicName, fromBeginning: true });
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: async ({ batch, heartbeat, isStale, resolveOffset }) => {
        const fetchedOffset = Number((batch as unknown as BatchAtRunTime).fetchedOffset);
        if (!Number.isSafeInteger(fetchedOffset)) throw new Error("kafkajs no longer tells a batch's fetched offset");
        const last = batch.lastOffset();
        await handlers.onBatch(
          new FetchedBatch(batch.partition, fetchedOffset, Number(last), batch.messages),
          heartbeat,
          isStale,
        );
        resolveOffset(last);
      },
    });
  }

  /** The next fetch of this partition begins here. A fetch under way may still bring another place: check every batch. */
  seek(partition: number, offset: number): void {
    this.#consumer.seek({ topic: this.#options.topicName, partition, offset: String(offset) });
  }

  /** Writes Kafka's own group offsets, for lag tools; nothing here reads them. */
  async commit(offsets: ReadonlyMap<number, number>): Promise<void> {
    const topic = this.#options.topicName;
    await this.#consumer.commitOffsets(
      [...offsets].map(([partition, offset]) => ({ topic, partition, offset: String(offset) })),
    );
  }

  /** Nothing more is fetched; what is being handled goes on. */
  pause(): void {
    this.#consumer.pause([{ topic: this.#options.topicName }]);
  }

  async stop(): Promise<void> {
    await this.#consumer.disconnect();
  }
}

const crash = (topicName: string, cause: Error): TradetapeError =>
  new TradetapeError("group_crashed", `the consumer group of ${topicName} ended: ${cause.message}`, {
    cause,
    next: "Start `tradetape consume` again: it goes on where the database stands.",
  });
