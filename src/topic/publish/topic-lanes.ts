import { type Batch, Lane } from "./lane.ts";

export interface LaneLimits {
  readonly lingerMs: number;
  readonly batchBytesMax: number;
}

export interface TopicLimits extends LaneLimits {
  /** Whether batches of different partitions may share a request. */
  readonly sharesRequests: boolean;
}

/** One partition's batch on its way to the broker. */
export interface Outgoing {
  readonly partition: number;
  readonly batch: Batch;
}

/** Sends batches of different partitions in one request; settles when each is acked or refused. It never rejects. */
export type SendTogether = (topicName: string, batches: readonly Outgoing[]) => Promise<void>;

/** Batches share a request up to here, so that a bulk source's large ones go each by itself, several at a time. */
const TOGETHER_BYTES_MAX = 256 * 1024;

/**
 * One topic's partitions. They linger together and what leaves at one moment leaves in one request: a live topic's
 * events spread over all partitions, and a request each costs publisher, broker and consumer four times as much as one.
 */
export class TopicLanes {
  readonly #topicName: string;
  readonly #limits: TopicLimits;
  readonly #send: SendTogether;
  readonly #lanes: Lane[] = [];
  #isLingering = false;
  /** What has left its lane in this turn of the event loop. */
  #leaving: { readonly outgoing: Outgoing; readonly settle: () => void }[] = [];

  constructor(topicName: string, limits: TopicLimits, send: SendTogether) {
    this.#topicName = topicName;
    this.#limits = limits;
    this.#send = send;
  }

  lane(partition: number): Lane {
    this.#lanes[partition] ??= new Lane({
      batchBytesMax: this.#limits.batchBytesMax,
      linger: () => this.#linger(),
      send: (batch) => this.#leave({ partition, batch }),
    });
    return this.#lanes[partition];
  }

  #linger(): void {
    if (this.#isLingering) return;
    this.#isLingering = true;
    const elapsed = () => {
      this.#isLingering = false;
      for (const lane of this.#lanes) lane?.lingered();
    };
    if (this.#limits.lingerMs === 0) setImmediate(elapsed);
    else setTimeout(elapsed, this.#limits.lingerMs);
  }

  #leave(outgoing: Outgoing): Promise<void> {
    // At the turn's end: lanes whose request has been answered come here one promise after the other.
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
