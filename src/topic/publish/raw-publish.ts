import kafkajs, {
  type IHeaders,
  type Kafka,
  type Message,
  type Producer,
  type RecordMetadata,
  type TopicMessages,
} from "kafkajs";
import { TradetapeError } from "../../errors.ts";
import { brokerFault } from "../client.ts";

/** A message that is ready as it is: the outbox's, a letter's. */
export interface RawMessage {
  /** The topic's full name. */
  readonly topicName: string;
  readonly partition: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: IHeaders;
}

/**
 * Patience of every produce request, about a minute: a broker's restart is no failure. No idempotence: kafkajs's own
 * loses acknowledged messages when an answer is lost; ids of ours make a repeat harmless instead. acks -1 always.
 */
export const PRODUCE_RETRY = { initialRetryTime: 100, factor: 0.2, multiplier: 2, maxRetryTime: 5000, retries: 17 };
export const ACKS_ALL = -1;

/** A producer in the one mode that loses nothing; messages for it name their partition. */
export function openProducer(kafka: Kafka): Producer {
  return kafka.producer({
    idempotent: false,
    allowAutoTopicCreation: false,
    retry: PRODUCE_RETRY,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  });
}

/** A request's size: small enough that a slow network acknowledges it within kafkajs's 30 s. */
const REQUEST_BYTES_MAX = 1024 * 1024;

/** Publishes ready-made messages, one request after the other. */
export class RawPublisher {
  readonly #producer: Producer;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(producer: Producer) {
    this.#producer = producer;
  }

  /** @throws TradetapeError broker_unreachable */
  static async open(kafka: Kafka): Promise<RawPublisher> {
    const producer = openProducer(kafka);
    try {
      await producer.connect();
    } catch (cause) {
      await producer.disconnect();
      throw brokerFault(cause);
    }
    return new RawPublisher(producer);
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
    for (const request of requests(messages)) {
      for (let rest = request; rest.length > 0; ) {
        try {
          const acks = await this.#producer.sendBatch({ topicMessages: rest, acks: ACKS_ALL });
          const first = Number(acks[0]!.baseOffset);
          if (rest === request) for (let n = 0; n < request[0]!.messages.length; n++) offsets.push(first + n);
          rest = unacked(rest, acks);
        } catch (cause) {
          const what = rest.map(({ topic, messages }) => `${messages.length} of ${topic}`).join(", ");
          throw publishFault(cause, what);
        }
      }
    }
    return offsets;
  }

  /** Waits for what is being published, then disconnects. */
  async close(): Promise<void> {
    await this.#last;
    await this.#producer.disconnect();
  }
}

/**
 * What a request's answers don't tell of. kafkajs keeps them by broker while it tries again: a partition whose leader
 * moves to a broker that has answered already is neither sent again nor missed.
 */
export function unacked(
  request: readonly TopicMessages[],
  acks: readonly Pick<RecordMetadata, "topicName" | "partition">[],
): TopicMessages[] {
  const acked = new Set(acks.map(({ topicName, partition }) => `${topicName}/${partition}`));
  return request.flatMap(({ topic, messages }) => {
    const left = messages.filter(({ partition }) => !acked.has(`${topic}/${partition}`));
    return left.length > 0 ? [{ topic, messages: left }] : [];
  });
}

/** Cuts messages into requests of bounded size, each grouped by topic. */
function* requests(messages: readonly RawMessage[]): Generator<TopicMessages[]> {
  let byTopic = new Map<string, Message[]>();
  let bytes = 0;
  for (const { topicName, ...message } of messages) {
    const size = (message.key?.length ?? 0) + (message.value?.length ?? 0) + headerBytes(message.headers);
    if (bytes > 0 && bytes + size > REQUEST_BYTES_MAX) {
      yield [...byTopic].map(([topic, list]) => ({ topic, messages: list }));
      byTopic = new Map();
      bytes = 0;
    }
    const list = byTopic.get(topicName);
    if (list === undefined) byTopic.set(topicName, [message as Message]);
    else list.push(message as Message);
    bytes += size;
  }
  if (byTopic.size > 0) yield [...byTopic].map(([topic, list]) => ({ topic, messages: list }));
}

/** Headers count as well: a letter without a value may carry megabytes of them. */
function headerBytes(headers: IHeaders | undefined): number {
  let bytes = 0;
  for (const [name, value] of Object.entries(headers ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) bytes += name.length + (one?.length ?? 0);
  }
  return bytes;
}

/**
 * A produce request's failure: network and topic faults by their own code, the broker's refusal as publish_refused.
 * @param what was in it, for a person
 */
export function publishFault(cause: unknown, what: string): unknown {
  const fault = brokerFault(cause);
  if (!(fault instanceof TradetapeError)) return fault;
  if (fault.code !== "broker_unreachable") return fault;
  return new TradetapeError("publish_refused", `not acknowledged: ${what}: ${fault.message}`, {
    canRetry: fault.canRetry,
    ...(fault.next === undefined ? {} : { next: fault.next }),
    cause,
  });
}
