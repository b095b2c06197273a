import { type RecordHeaders, RecordWriter } from "../wire/record-writer.ts";

/** Enough for some ten ticks, because an idle feed's batches hold one or two. */
const CAPACITY_BYTES_MIN = 2048;

/** What goes into the log of one event. */
interface QueuedMessage {
  readonly key: Buffer | null;
  readonly value: Buffer;
  readonly headers?: RecordHeaders;
}

/** Events that go to one partition in one produce request, and share its fate. */
export class Batch {
  readonly records: RecordWriter;
  /** As the request counts them: keys, values, headers and their frames. */
  bytes = 0;
  /** When its first event came, on the clock of `performance`. */
  readonly begunMs = performance.now();
  /** Resolves when every replica has the batch. One promise for all its events. */
  readonly acked: Promise<void>;
  readonly succeed: () => void;
  readonly fail: (reason: unknown) => void;

  /** @param capacityBytes what its records will probably take */
  constructor(capacityBytes = CAPACITY_BYTES_MIN) {
    this.records = new RecordWriter(Math.max(CAPACITY_BYTES_MIN, capacityBytes));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.acked = promise;
    this.succeed = resolve;
    this.fail = reject;
  }
}

/** What a queue asks of its topic. */
interface QueueParts {
  readonly batchBytesMax: number;
  /** Sends one batch and settles when it is acked or refused for good, retries included. It never rejects. */
  readonly send: (batch: Batch) => Promise<void>;
  /** Has `lingered` called after the linger, once for all who ask meanwhile. */
  readonly linger: () => void;
}

/**
 * One partition's queue to the broker: events go in the order of their `add`, with at most one produce request out. With
 * two, a retry of the first could put its events behind the second's, and an old revision of a bar over a new one.
 */
export class ProduceQueue {
  readonly #parts: QueueParts;
  /** Waiting to be sent, oldest first; the last one still takes events. */
  readonly #batches: Batch[] = [];
  #lastBytes = 0;
  #isSending = false;
  /** Whether the linger of the newest batch is over. */
  #isDue = false;

  constructor(parts: QueueParts) {
    this.#parts = parts;
  }

  /** @param bytes what the message adds to the request */
  add({ key, value, headers }: QueuedMessage, bytes: number): Batch {
    let batch = this.#batches.at(-1);
    if (batch === undefined || batch.bytes + bytes > this.#parts.batchBytesMax) {
      // A busy feed's batches are all about as large, so the last one's size is the next one's capacity.
      batch = new Batch(this.#lastBytes);
      this.#batches.push(batch);
      this.#isDue = false;
      this.#parts.linger();
    }
    batch.records.add(key, value, headers);
    batch.bytes += bytes;
    if (this.#batches.length > 1 && !this.#isSending) void this.#sendNext();
    return batch;
  }

  /** The linger is over: what waits is sent as soon as no request is out. */
  lingered(): void {
    this.#isDue = this.#batches.length > 0;
    if (!this.#isSending) void this.#sendNext();
  }

  /**
   * Sends full batches at once, and the newest one when its linger is over. That one lingers behind an answer, too,
   * because a broker that answers within a millisecond or two would else get a request for every few events, and
   * publisher, broker and consumer pay for each.
   */
  async #sendNext(): Promise<void> {
    this.#isSending = true;
    while (this.#batches.length > 1 || this.#isDue) {
      const batch = this.#batches.shift()!;
      this.#isDue &&= this.#batches.length > 0;
      this.#lastBytes = batch.bytes;
      await this.#parts.send(batch);
    }
    this.#isSending = false;
  }
}
