import { TradetapeError } from "../../errors.ts";
import { type LogClient, type LogProducer, withAdmin } from "../log-client.ts";
import type { RecordHeaders } from "../wire/record-writer.ts";
import type { Batch } from "./produce-queue.ts";
import { headerBytes, publishFault } from "./raw-publish.ts";
import { type Outgoing, type QueueLimits, type TopicLimits, TopicQueues } from "./topic-queues.ts";

interface PublishLimits extends QueueLimits {
  /** How many bytes of events may be admitted and not yet acknowledged; see `Publisher.requireSpace`. */
  readonly bufferBytesMax: number;
}

/** A batch that was acknowledged, or refused for good. */
export interface SentBatch {
  /** The full name. */
  readonly topicName: string;
  readonly events: number;
  readonly isAcked: boolean;
  /** Since its first event. */
  readonly seconds: number;
}

/** Is told of each batch, never of an event. */
export type PublishMeter = (batch: SentBatch) => void;

export interface PublishedMessage {
  /** The topic's full name. */
  readonly topicName: string;
  readonly partition: number;
  readonly key: Buffer | null;
  readonly value: Buffer;
  readonly headers?: RecordHeaders;
}

/** A record's length, deltas and counts as varints at their longest. */
const FRAME_BYTES = 24;
/** What an event costs in memory beside its bytes: its share of the batch's spare capacity, and of a copy while it is sent. */
const OBJECT_BYTES = 256;
/** Topics take 4 MiB as a batch, the batch's own header included. */
const TOPIC_BATCH_BYTES_MAX = 4 * 1024 * 1024 - 1024;

/** How far beyond its bound the buffer goes before events are refused, as a multiple of it. */
const OVERRUN = 2;

/**
 * Batches messages per partition and publishes them with acks from all replicas.
 *
 * Promises: an acked message is in its partition's log. Messages of a partition are in the log in the order they were
 * admitted. When a batch fails for good (refused, or about a minute of retries), exactly its messages' `acked` rejects;
 * later ones go on in their order. A rejected message may be in the log all the same (its answer was lost), and one that
 * is retried over a new connection, or shared its request with one that failed, may be there twice: ids of ours make both
 * harmless, and revisions that matter carry their own `revised_at`.
 */
export class Publisher {
  readonly #producer: LogProducer;
  readonly #limits: PublishLimits & TopicLimits;
  readonly #meter: PublishMeter | undefined;
  readonly #topics = new Map<string, TopicQueues>();
  #pendingBytes = 0;
  #pendingMessages = 0;
  /** Resolved when the buffer is half empty, so that a bulk source refills it in long strides. */
  #spaceWaiters: (() => void)[] = [];
  #idleWaiters: (() => void)[] = [];

  private constructor(producer: LogProducer, limits: PublishLimits & TopicLimits, meter: PublishMeter | undefined) {
    this.#producer = producer;
    this.#meter = meter;
    this.#limits = { ...limits, batchBytesMax: Math.min(limits.batchBytesMax, TOPIC_BATCH_BYTES_MAX) };
  }

  /** @throws TradetapeError broker_unreachable */
  static async open(client: LogClient, limits: PublishLimits, meter?: PublishMeter): Promise<Publisher> {
    const { brokers } = await withAdmin(client, (admin) => admin.fetchCluster());
    // With several brokers, partitions that share a request would wait for each other's, and be sent again with them.
    return new Publisher(await client.openProducer(), { ...limits, sharesRequests: brokers === 1 }, meter);
  }

  /** The broker's time now in microseconds, by its last acknowledgement; before the first one by our own clock. */
  brokerUs(): number {
    return (Date.now() + this.#producer.clockAheadMs) * 1000;
  }

  /** Whether a bulk source should wait for `space` before it admits more. */
  get isFull(): boolean {
    return this.#pendingBytes >= this.#limits.bufferBytesMax;
  }

  /** Resolves when half of the buffer is free; at once when it isn't full. */
  space(): Promise<void> {
    if (!this.isFull) return Promise.resolve();
    return new Promise((resolve) => this.#spaceWaiters.push(resolve));
  }

  /**
   * Refuses the events of a caller that awaits neither `space` nor its acks, because it would fill the memory.
   * @param waitingBytes of events on their way here, to be counted too
   * @throws TradetapeError publisher_full
   */
  requireSpace(waitingBytes: number): void {
    const bytes = this.#pendingBytes + waitingBytes;
    if (bytes <= (1 + OVERRUN) * this.#limits.bufferBytesMax) return;
    const next = "Await publish, or use publishAll; TRADETAPE_PUBLISH_BUFFER_BYTES_MAX sets the buffer.";
    throw new TradetapeError("publisher_full", `${bytes} bytes of events wait for their acknowledgement`, {
      canRetry: true,
      next,
    });
  }

  /** Takes a message into its partition's batch, synchronously. @throws TradetapeError publisher_full */
  admit(message: PublishedMessage): Batch {
    this.requireSpace(0);
    const { topicName, partition } = message;
    const bytes = messageBytes(message);
    this.#pendingBytes += bytes + OBJECT_BYTES;
    this.#pendingMessages++;
    return this.#queuesOf(topicName).queue(partition).add(message, bytes);
  }

  #queuesOf(topicName: string): TopicQueues {
    let queues = this.#topics.get(topicName);
    if (queues === undefined) {
      queues = new TopicQueues(topicName, this.#limits, (name, batches) => this.#send(name, batches));
      this.#topics.set(topicName, queues);
    }
    return queues;
  }

  /** Sends each batch again by itself where a request of several fails, because only what fails then has failed. */
  async #send(topicName: string, outgoing: readonly Outgoing[]): Promise<void> {
    const batches = outgoing.map(({ partition, batch }) => ({ partition, records: batch.records }));
    let again: readonly Outgoing[] = [];
    try {
      const acked = await this.#producer.produce(topicName, batches);
      for (const { partition, batch } of outgoing)
        if (acked.has(partition)) this.#settle(topicName, batch, true, batch.succeed);
      again = outgoing.filter(({ partition }) => !acked.has(partition));
    } catch (cause) {
      if (outgoing.length > 1) again = outgoing;
      else {
        for (const { batch } of outgoing)
          this.#settle(topicName, batch, false, () => batch.fail(faultOf(cause, topicName, batch)));
      }
    }
    for (const one of again) await this.#send(topicName, [one]);
  }

  #settle(topicName: string, batch: Batch, isAcked: boolean, tell: () => void): void {
    tell();
    const { count } = batch.records;
    this.#meter?.({ topicName, events: count, isAcked, seconds: (performance.now() - batch.begunMs) / 1000 });
    this.#pendingBytes -= batch.bytes + OBJECT_BYTES * count;
    this.#pendingMessages -= count;
    this.#wake();
  }

  #wake(): void {
    if (this.#spaceWaiters.length > 0 && this.#pendingBytes * 2 <= this.#limits.bufferBytesMax) {
      for (const resolve of this.#spaceWaiters.splice(0)) resolve();
    }
    if (this.#idleWaiters.length > 0 && this.#pendingMessages === 0) {
      for (const resolve of this.#idleWaiters.splice(0)) resolve();
    }
  }

  /** Resolves when nothing is pending, acked or failed. */
  idle(): Promise<void> {
    if (this.#pendingMessages === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  /** Waits for what is pending, then disconnects. Nothing may be admitted after it. */
  async close(): Promise<void> {
    await this.idle();
    await this.#producer.close();
  }
}

function messageBytes({ key, value, headers }: PublishedMessage): number {
  return FRAME_BYTES + (key?.length ?? 0) + value.length + (headers === undefined ? 0 : headerBytes(headers));
}

const faultOf = (cause: unknown, topic: string, { records }: Batch): unknown =>
  publishFault(cause, `${records.count} of ${topic}`);
