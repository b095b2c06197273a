import type { Kafka, Producer } from "kafkajs";
import { TradetapeError } from "../../errors.ts";
import { brokerFault, withAdmin } from "../client.ts";
import { WholeMessage } from "../patch/produce-request.ts";
import type { Batch } from "./lane.ts";
import { ACKS_ALL, openProducer, publishFault } from "./raw-publish.ts";
import { type LaneLimits, type Outgoing, TopicLanes, type TopicLimits } from "./topic-lanes.ts";

export interface PublishLimits extends LaneLimits {
  /** Admitted and not yet acknowledged; see `Publisher.requireRoom`. */
  readonly bufferBytesMax: number;
}

export interface PublishedMessage {
  /** The topic's full name. */
  readonly topicName: string;
  readonly partition: number;
  readonly key: Buffer | null;
  readonly value: Buffer;
  readonly headers?: Readonly<Record<string, string | Buffer>>;
}

/** A record's length, deltas and counts as varints at their longest; each header adds two lengths. */
const FRAME_BYTES = 24;
const HEADER_FRAME_BYTES = 8;
/** What an event costs in memory beside its bytes: its share of the batch's spare room, and of a copy while it is sent. */
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
  readonly #producer: Producer;
  readonly #limits: PublishLimits & TopicLimits;
  readonly #topics = new Map<string, TopicLanes>();
  #pendingBytes = 0;
  #pendingMessages = 0;
  /** Wake when the buffer is half empty, so that a bulk source refills it in long strides. */
  #roomWaiters: (() => void)[] = [];
  #idleWaiters: (() => void)[] = [];

  private constructor(producer: Producer, limits: PublishLimits & TopicLimits) {
    this.#producer = producer;
    this.#limits = { ...limits, batchBytesMax: Math.min(limits.batchBytesMax, TOPIC_BATCH_BYTES_MAX) };
  }

  /** @throws TradetapeError broker_unreachable */
  static async open(kafka: Kafka, limits: PublishLimits): Promise<Publisher> {
    const producer = openProducer(kafka);
    let sharesRequests: boolean;
    try {
      // With several, partitions that share a request would wait for each other's brokers, and be sent again with them.
      const { brokers } = await withAdmin(kafka, (admin) => admin.describeCluster());
      sharesRequests = brokers.length === 1;
      await producer.connect();
    } catch (cause) {
      await producer.disconnect();
      throw brokerFault(cause);
    }
    return new Publisher(producer, { ...limits, sharesRequests });
  }

  /** Whether a bulk source should wait for `room` before it admits more. */
  get isFull(): boolean {
    return this.#pendingBytes >= this.#limits.bufferBytesMax;
  }

  /** Resolves when half of the buffer is free; at once when it isn't full. */
  room(): Promise<void> {
    if (!this.isFull) return Promise.resolve();
    return new Promise((resolve) => this.#roomWaiters.push(resolve));
  }

  /**
   * The buffer's bound is kept by those who await `room` or their own acks; for those who don't, this is the end.
   * @param waitingBytes of events on their way here, to be counted too
   * @throws TradetapeError publisher_full
   */
  requireRoom(waitingBytes: number): void {
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
    this.requireRoom(0);
    const { topicName, partition } = message;
    const bytes = messageBytes(message);
    this.#pendingBytes += bytes + OBJECT_BYTES;
    this.#pendingMessages++;
    return this.#lanesOf(topicName).lane(partition).add(message, bytes);
  }

  #lanesOf(topicName: string): TopicLanes {
    let lanes = this.#topics.get(topicName);
    if (lanes === undefined) {
      lanes = new TopicLanes(topicName, this.#limits, (name, batches) => this.#send(name, batches));
      this.#topics.set(topicName, lanes);
    }
    return lanes;
  }

  /** Where a request of several fails, each goes again by itself: only what fails then has failed. */
  async #send(topic: string, batches: readonly Outgoing[]): Promise<void> {
    const messages = batches.map(({ partition, batch }) => new WholeMessage(partition, batch.records));
    let again: readonly Outgoing[] = [];
    try {
      const acks = await this.#producer.send({ topic, messages, acks: ACKS_ALL });
      const acked = new Set(acks.map(({ partition }) => partition));
      for (const { partition, batch } of batches) if (acked.has(partition)) this.#settle(batch, batch.succeed);
      again = batches.filter(({ partition }) => !acked.has(partition));
    } catch (cause) {
      if (batches.length > 1) again = batches;
      else for (const { batch } of batches) this.#settle(batch, () => batch.fail(faultOf(cause, topic, batch)));
    }
    for (const one of again) await this.#send(topic, [one]);
  }

  #settle(batch: Batch, tell: () => void): void {
    tell();
    const { count } = batch.records;
    this.#pendingBytes -= batch.bytes + OBJECT_BYTES * count;
    this.#pendingMessages -= count;
    this.#wake();
  }

  #wake(): void {
    if (this.#roomWaiters.length > 0 && this.#pendingBytes * 2 <= this.#limits.bufferBytesMax) {
      for (const resolve of this.#roomWaiters.splice(0)) resolve();
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
    await this.#producer.disconnect();
  }
}

function messageBytes({ key, value, headers }: PublishedMessage): number {
  let bytes = FRAME_BYTES + (key?.length ?? 0) + value.length;
  if (headers === undefined) return bytes;
  for (const [name, content] of Object.entries(headers)) {
    bytes += HEADER_FRAME_BYTES + Buffer.byteLength(name) + Buffer.byteLength(content);
  }
  return bytes;
}

const faultOf = (cause: unknown, topic: string, { records }: Batch): unknown =>
  publishFault(cause, `${records.count} of ${topic}`);
