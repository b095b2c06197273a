import { TradetapeError } from "../../errors.ts";
import type { LogClient, LogProducer, PartitionBatch } from "../log-client.ts";
import { type RecordHeaders, RecordWriter } from "../wire/record-writer.ts";

/** A message that is ready as it is: the outbox's, a letter's. */
export interface RawMessage {
  /** The topic's full name. */
  readonly topicName: string;
  readonly partition: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: RecordHeaders;
}

/** A request's size: small enough that a slow network acknowledges it within kafkajs's 30 s. */
const REQUEST_BYTES_MAX = 1024 * 1024;

/** Publishes ready-made messages, one request after the other. */
export class RawPublisher {
  readonly #producer: LogProducer;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(producer: LogProducer) {
    this.#producer = producer;
  }

  /** @throws TradetapeError broker_unreachable */
  static async open(client: LogClient): Promise<RawPublisher> {
    return new RawPublisher(await client.openProducer());
  }

  /**
   * Publishes the messages in their order per partition and resolves when every replica has them. When it throws, some
   * may be in the log and others not: publish the same ones again, in the same order. Calls queue behind each other.
   * @throws TradetapeError publish_refused (canRetry when the cause may pass), topic_missing, broker_unreachable
   */
  async publish(messages: readonly RawMessage[]): Promise<void> {
    await this.#enqueue(messages);
  }

  /**
   * The same for messages of one partition, and tells the offset that each got. After an answer that was lost, the
   * first copy lies at lower offsets.
   */
  async publishToPartition(messages: readonly RawMessage[]): Promise<readonly number[]> {
    const [one] = messages;
    if (messages.some((m) => m.topicName !== one!.topicName || m.partition !== one!.partition)) {
      throw new Error("publishToPartition was given messages of several partitions");
    }
    return this.#enqueue(messages);
  }

  /** @returns offsets that are those of the messages where all are of one partition */
  #enqueue(messages: readonly RawMessage[]): Promise<readonly number[]> {
    const turn = this.#last.then(() => this.#publish(messages));
    // A failed call is its caller's to handle; the next one must only come after it.
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #publish(messages: readonly RawMessage[]): Promise<readonly number[]> {
    const offsets: number[] = [];
    for (const { topicName, batches } of requests(messages)) {
      for (let rest = batches; rest.length > 0; ) {
        const acked = await this.#producer.produce(topicName, rest).catch((cause: unknown) => {
          const count = rest.reduce((sum, { records }) => sum + records.count, 0);
          throw publishFault(cause, `${count} of ${topicName}`);
        });
        for (const { partition, records } of rest) {
          const first = acked.get(partition);
          if (first !== undefined) for (let n = 0; n < records.count; n++) offsets.push(first + n);
        }
        rest = rest.filter(({ partition }) => !acked.has(partition));
      }
    }
    return offsets;
  }

  /** Waits for what is being published, then disconnects. */
  async close(): Promise<void> {
    await this.#last;
    await this.#producer.close();
  }
}

interface Request {
  readonly topicName: string;
  readonly batches: readonly PartitionBatch[];
}

/** Cuts messages into requests of bounded size, each of one topic. */
function* requests(messages: readonly RawMessage[]): Generator<Request> {
  let byTopic = new Map<string, Map<number, RecordWriter>>();
  let bytes = 0;
  for (const { topicName, partition, key, value, headers } of messages) {
    const size = (key?.length ?? 0) + (value?.length ?? 0) + headerBytes(headers ?? {});
    if (bytes > 0 && bytes + size > REQUEST_BYTES_MAX) {
      yield* requestsOf(byTopic);
      byTopic = new Map();
      bytes = 0;
    }
    const topic = byTopic.get(topicName) ?? new Map<number, RecordWriter>();
    byTopic.set(topicName, topic);
    const records = topic.get(partition) ?? new RecordWriter(size);
    topic.set(partition, records);
    records.add(key, value, headers);
    bytes += size;
  }
  yield* requestsOf(byTopic);
}

function* requestsOf(byTopic: ReadonlyMap<string, ReadonlyMap<number, RecordWriter>>): Generator<Request> {
  for (const [topicName, topic] of byTopic) {
    yield { topicName, batches: [...topic].map(([partition, records]) => ({ partition, records })) };
  }
}

/** The lengths of a header's name and value, as varints at their longest. */
const HEADER_FRAME_BYTES = 8;

/** What headers add to a request: a letter without a value may carry megabytes of them. */
export function headerBytes(headers: RecordHeaders): number {
  let bytes = 0;
  for (const [name, content] of Object.entries(headers)) {
    for (const value of Array.isArray(content) ? content : [content]) {
      bytes += HEADER_FRAME_BYTES + Buffer.byteLength(name) + Buffer.byteLength(value ?? "");
    }
  }
  return bytes;
}

/**
 * A produce request's failure: network and topic faults by their own code, the broker's refusal as publish_refused.
 * @param what was in it, for a person
 */
export function publishFault(cause: unknown, what: string): unknown {
  if (!(cause instanceof TradetapeError) || cause.code !== "broker_unreachable") return cause;
  return new TradetapeError("publish_refused", `not acknowledged: ${what}: ${cause.message}`, {
    canRetry: cause.canRetry,
    ...(cause.next === undefined ? {} : { next: cause.next }),
    cause,
  });
}
