import type { Kafka, Producer } from "kafkajs";
import type { ServedConfig } from "../../src/cli/services.ts";
import { encodeEvent } from "../../src/event/codec.ts";
import { openRegistry } from "../../src/event/registry.ts";
import { topicName } from "../../src/topic/topics.ts";
import { idOf, tick } from "../support/samples.ts";
import { plainProducer } from "../support/services/plain-kafka.ts";

const PARTITIONS = 4;
/** Of a transaction that is aborted. */
const ABORTED = 20;

interface Batch {
  readonly base: number;
  readonly next: number;
  /** Milliseconds since 1970: the broker got it in between. */
  readonly sentMs: number;
  readonly ackedMs: number;
  /** Of a transaction that is aborted: when it was, Infinity while it is open. */
  abortedMs: number | undefined;
}

/** What the broker acknowledges last in a transaction's end may be told a moment later. */
const TOLD_LATE_MS = 1000;

/** Publishes ticks by a client that isn't ours, and knows when it did. */
export class Published {
  readonly topic: string;
  readonly #encode: (n: number) => Buffer;
  readonly #kafka: Kafka;
  readonly #producer: Producer;
  readonly #batches = Array.from({ length: PARTITIONS }, (): Batch[] => []);
  #made = 0;

  private constructor(topic: string, kafka: Kafka, producer: Producer, encode: (n: number) => Buffer) {
    this.topic = topic;
    this.#kafka = kafka;
    this.#producer = producer;
    this.#encode = encode;
  }

  static async open(config: ServedConfig, kafka: Kafka): Promise<Published> {
    const topic = topicName(config.namespace, "ticks");
    const registry = openRegistry({ schemaRegistryUrl: config.schemaRegistryUrl });
    const schemaId = await registry.register(topic, "ticks");
    const producer = plainProducer(kafka);
    await producer.connect();
    const encode = (n: number) => {
      const timestamp = Date.now() * 1000;
      const event = tick(n, {
        timestamp,
        trade_id: String(n),
        symbol_id: idOf(`lag ${n % 8}`),
        backtest_session_id: null,
      });
      return encodeEvent("ticks", schemaId, { ...event, market_data_id: idOf(`lag tick ${n}`) });
    };
    return new Published(topic, kafka, producer, encode);
  }

  /** How many are in the topic to be landed. */
  get count(): number {
    return this.#batches
      .flat()
      .reduce((sum, { base, next, abortedMs }) => sum + (abortedMs === undefined ? next - base : 0), 0);
  }

  /** @param each so many to each partition */
  async publish(each: number): Promise<void> {
    await Promise.all(this.#batches.map((_, partition) => this.#send(this.#producer, partition, each)));
  }

  /** Writes to each partition in a transaction, and aborts it after that time. */
  async abortAfter(ms: number): Promise<void> {
    const transactionalId = `${this.topic}-${this.#made}`;
    const producer = this.#kafka.producer({ transactionalId, idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    const transaction = await producer.transaction();
    const sent: Batch[] = [];
    for (const partition of this.#batches.keys()) {
      sent.push(await this.#send(transaction, partition, ABORTED, Number.POSITIVE_INFINITY));
    }
    await new Promise((resolve) => setTimeout(resolve, ms));
    await transaction.abort();
    for (const batch of sent) batch.abortedMs = Date.now();
    await producer.disconnect();
  }

  /**
   * How long the broker has had the first event at or behind an offset that is to be landed. What lies behind an open transaction
   * nobody can read: it is no lag yet.
   * @returns seconds at least and at most; undefined where there is none
   */
  waited(partition: number, offset: number, nowMs: number): readonly [least: number, most: number] | undefined {
    const batches = this.#batches[partition]!.filter(({ next }) => next > offset);
    const oldest = batches.find(({ abortedMs }) => abortedMs === undefined);
    if (oldest === undefined) return undefined;
    const isHeld = batches.some(({ base, abortedMs = 0 }) => base < oldest.base && nowMs - abortedMs < TOLD_LATE_MS);
    return [isHeld ? 0 : (nowMs - oldest.ackedMs) / 1000, (nowMs - oldest.sentMs) / 1000];
  }

  close(): Promise<void> {
    return this.#producer.disconnect();
  }

  async #send(by: Pick<Producer, "send">, partition: number, count: number, abortedMs?: number): Promise<Batch> {
    const messages = Array.from({ length: count }, () => ({ value: this.#encode(this.#made++), key: null, partition }));
    const sentMs = Date.now();
    const [answer] = await by.send({ topic: this.topic, messages, acks: -1 });
    const base = Number(answer!.baseOffset);
    const batch = { base, next: base + count, sentMs, ackedMs: Date.now(), abortedMs };
    this.#batches[partition]!.push(batch);
    return batch;
  }
}
