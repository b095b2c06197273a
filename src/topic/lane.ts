import type { Message } from "kafkajs";

type Grouped = Record<string, Message[]>;

/**
 * Messages that all name the same partition. kafkajs groups a request's messages by partition with a `reduce` that
 * copies the group for each message, a third of all publishing's time at 3,000 messages a request. Here that `reduce`
 * looks at the first message and takes the rest with it.
 */
class OnePartition extends Array<Message> {
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }

  override reduce(step: unknown, initial?: unknown): never {
    const group = step as (grouped: Grouped, message: Message) => Grouped;
    const grouped = group(initial as Grouped, this[0]!);
    const partitions = Object.keys(grouped);
    if (partitions.length !== 1 || partitions[0] !== String(this[0]!.partition)) {
      throw new Error("kafkajs no longer groups messages by partition with reduce");
    }
    return { [partitions[0]]: this } as never;
  }
}

/** Events that go to one partition in one produce request, and share its fate. */
export class Batch {
  readonly messages: Message[] = new OnePartition();
  /** As the request counts them: keys, values, headers and their frames. */
  bytes = 0;
  /** Resolves when every replica has the batch. One promise for all its events. */
  readonly acked: Promise<void>;
  readonly succeed: () => void;
  readonly fail: (reason: unknown) => void;

  constructor() {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.acked = promise;
    this.succeed = resolve;
    this.fail = reject;
  }
}

export interface LaneLimits {
  readonly lingerMs: number;
  readonly batchBytesMax: number;
}

/** Sends one batch and settles when it is acked or refused for good, retries included. It never rejects. */
export type SendBatch = (topicName: string, batch: Batch) => Promise<void>;

/**
 * One partition's way to the broker: events in the order of their `add`, at most one produce request at a time. With
 * two, a retry of the first could put its events behind the second's, and an old revision of a bar over a new one.
 */
export class Lane {
  readonly #topicName: string;
  readonly #limits: LaneLimits;
  readonly #send: SendBatch;
  /** Waiting to be sent, oldest first; the last one still takes events. */
  readonly #batches: Batch[] = [];
  #isSending = false;
  #isLingering = false;

  constructor(topicName: string, limits: LaneLimits, send: SendBatch) {
    this.#topicName = topicName;
    this.#limits = limits;
    this.#send = send;
  }

  /** @param bytes what the message adds to the request */
  add(message: Message, bytes: number): Batch {
    let batch = this.#batches.at(-1);
    if (batch === undefined || batch.bytes + bytes > this.#limits.batchBytesMax) {
      batch = new Batch();
      this.#batches.push(batch);
    }
    batch.messages.push(message);
    batch.bytes += bytes;
    if (!this.#isSending) this.#schedule();
    return batch;
  }

  /**
   * A full batch goes at once, an open one after the linger. While a request is out nothing lingers: its answer sends.
   */
  #schedule(): void {
    if (this.#batches.length > 1) {
      void this.#sendNext();
      return;
    }
    if (this.#isLingering) return;
    this.#isLingering = true;
    const elapsed = () => {
      this.#isLingering = false;
      if (!this.#isSending) void this.#sendNext();
    };
    if (this.#limits.lingerMs === 0) setImmediate(elapsed);
    else setTimeout(elapsed, this.#limits.lingerMs);
  }

  async #sendNext(): Promise<void> {
    this.#isSending = true;
    for (let batch = this.#batches.shift(); batch !== undefined; batch = this.#batches.shift()) {
      await this.#send(this.#topicName, batch);
    }
    this.#isSending = false;
  }
}
