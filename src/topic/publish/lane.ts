import { RecordWriter } from "../wire/record-writer.ts";

/** Room for some ten ticks: an idle feed's batches hold one. */
const CAPACITY_BYTES_MIN = 2048;

/** What goes into the log of one event. */
export interface LaneMessage {
  readonly key: Buffer | null;
  readonly value: Buffer;
  readonly headers?: Readonly<Record<string, string | Buffer>>;
}

/** Events that go to one partition in one produce request, and share its fate. */
export class Batch {
  readonly records: RecordWriter;
  /** As the request counts them: keys, values, headers and their frames. */
  bytes = 0;
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

/** What a lane asks of its topic. */
export interface LaneParts {
  readonly batchBytesMax: number;
  /** Sends one batch and settles when it is acked or refused for good, retries included. It never rejects. */
  readonly send: (batch: Batch) => Promise<void>;
  /** Has `lingered` called after the linger, unless it is going to be. */
  readonly linger: () => void;
}

/**
 * One partition's way to the broker: events in the order of their `add`, at most one produce request at a time. With
 * two, a retry of the first could put its events behind the second's, and an old revision of a bar over a new one.
 */
export class Lane {
  readonly #parts: LaneParts;
  /** Waiting to be sent, oldest first; the last one still takes events. */
  readonly #batches: Batch[] = [];
  #lastBytes = 0;
  #isSending = false;
  /** Whether the open batch has lingered. */
  #isDue = false;

  constructor(parts: LaneParts) {
    this.#parts = parts;
  }

  /** @param bytes what the message adds to the request */
  add({ key, value, headers }: LaneMessage, bytes: number): Batch {
    let batch = this.#batches.at(-1);
    if (batch === undefined || batch.bytes + bytes > this.#parts.batchBytesMax) {
      // By the last one: a busy feed's batches are all about as large.
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

  /** What waits has waited long enough: it goes when no request is out. */
  lingered(): void {
    this.#isDue = this.#batches.length > 0;
    if (!this.#isSending) void this.#sendNext();
  }

  /**
   * Full batches go at once, an open one when it is due. It lingers behind an answer, too: a broker that answers within
   * a millisecond or two would else get a request for every few events, and publisher, broker and consumer pay for each.
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
