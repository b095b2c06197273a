import { type Batch, ProduceQueue } from "./produce-queue.ts";

export interface QueueLimits {
  readonly lingerMs: number;
  readonly batchBytesMax: number;
}

export interface TopicLimits extends QueueLimits {
  /** Whether batches of different partitions may share a request. */
  readonly sharesRequests: boolean;
}

/** One partition's batch on its way to the broker. */
export interface Outgoing {
  readonly partition: number;
  readonly batch: Batch;
}

/** Sends batches of different partitions in one request. @returns resolves when each is acked or refused; never rejects */
type SendTogether = (topicName: string, batches: readonly Outgoing[]) => Promise<void>;

/** Batches share a request up to this size, so that a bulk source's large ones go each by itself, several at a time. */
const TOGETHER_BYTES_MAX = 256 * 1024;

/**
 * One topic's queues. They linger together, and what leaves at one moment leaves in one request, because a live topic's
 * events spread over all partitions, and a request each costs publisher, broker and consumer four times as much as one.
 */
export class TopicQueues {
  readonly #topicName: string;
  readonly #limits: TopicLimits;
  readonly #send: SendTogether;
  readonly #queues: ProduceQueue[] = [];
  #isLingering = false;
  /** The batches that have left their queues in this turn of the event loop. */
  #leaving: { readonly outgoing: Outgoing; readonly settle: () => void }[] = [];

  constructor(topicName: string, limits: TopicLimits, send: SendTogether) {
    this.#topicName = topicName;
    this.#limits = limits;
    this.#send = send;
  }

  queue(partition: number): ProduceQueue {
    this.#queues[partition] ??= new ProduceQueue({
      batchBytesMax: this.#limits.batchBytesMax,
      linger: () => this.#linger(),
      send: (batch) => this.#leave({ partition, batch }),
    });
    return this.#queues[partition];
  }

  #linger(): void {
    if (this.#isLingering) return;
    this.#isLingering = true;
    const elapsed = () => {
      this.#isLingering = false;
      for (const queue of this.#queues) queue?.lingered();
    };
    if (this.#limits.lingerMs === 0) setImmediate(elapsed);
    else setTimeout(elapsed, this.#limits.lingerMs);
  }

  #leave(outgoing: Outgoing): Promise<void> {
    // Sent at the turn's end, because queues whose request was answered come here one promise after the other.
    if (this.#leaving.length === 0) setImmediate(() => this.#sendLeaving());
    return new Promise((settle) => this.#leaving.push({ outgoing, settle }));
  }

  #sendLeaving(): void {
    const all = this.#leaving;
    this.#leaving = [];
    for (let from = 0, to = 0; from < all.length; from = to) {
      for (let bytes = 0; to < all.length; to++) {
        bytes += all[to]!.outgoing.batch.bytes;
        if (to > from && (!this.#limits.sharesRequests || bytes > TOGETHER_BYTES_MAX)) break;
      }
      const together = all.slice(from, to);
      const sent = this.#send(
        this.#topicName,
        together.map(({ outgoing }) => outgoing),
      );
      void sent.then(() => {
        for (const { settle } of together) settle();
      });
    }
  }
}
