import { TradetapeError } from "../../errors.ts";
import type { Batch } from "./produce-queue.ts";

/** A batch that isn't acknowledged yet. */
interface Pending {
  /** How many events had been admitted before its first one. */
  readonly before: number;
  events: number;
}

/** Follows a bulk publish through its batches: what was admitted, what is acked, the first failure. */
export class Acks {
  /** Events admitted. */
  admitted = 0;
  /** Events acknowledged. */
  acked = 0;
  /** In the order of their first events. */
  readonly #pending = new Map<Batch, Pending>();
  readonly #tell: (acks: Acks) => void;
  /** How many events had been admitted before the first one of a batch that was refused. */
  #refusedAt = Number.POSITIVE_INFINITY;
  #refusal: { readonly error: unknown } | undefined;
  #settle: (() => void) | undefined;

  /** @param tell is called after each batch's acknowledgement */
  constructor(tell: (acks: Acks) => void = () => {}) {
    this.#tell = tell;
  }

  /** How many events, counted from the first one, are acknowledged without a gap. */
  get ackedInOrder(): number {
    const [oldest] = this.#pending.values();
    return Math.min(this.#refusedAt, oldest?.before ?? this.admitted);
  }

  /** Counts one event of this batch as admitted, and as acknowledged when the batch is. */
  add(batch: Batch): void {
    const pending = this.#pending.get(batch);
    this.admitted++;
    if (pending !== undefined) {
      pending.events++;
      return;
    }
    this.#pending.set(batch, { before: this.admitted - 1, events: 1 });
    batch.acked.then(
      () => this.#leave(batch, undefined),
      (error: unknown) => this.#leave(batch, { error }),
    );
  }

  #leave(batch: Batch, refusal: { error: unknown } | undefined): void {
    const { before, events } = this.#pending.get(batch)!;
    this.#pending.delete(batch);
    if (refusal === undefined) {
      this.acked += events;
      this.#tell(this);
    } else {
      this.#refusal ??= refusal;
      this.#refusedAt = Math.min(this.#refusedAt, before);
    }
    if (this.#pending.size === 0) this.#settle?.();
  }

  /** Resolves when every batch that was added is acknowledged or refused. */
  settled(): Promise<void> {
    if (this.#pending.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  /** Whether a batch was refused: then the source is read no further, because all behind it has to be published again. */
  get hasFailed(): boolean {
    return this.#refusal !== undefined;
  }

  /**
   * What to throw when all has settled: `stopped` (why reading ended early) or the first refused batch's error, with
   * the count of what was acknowledged; undefined when all is well. An error that isn't ours comes back as it is.
   */
  failure(stopped: unknown): unknown {
    const error = stopped ?? this.#refusal?.error;
    if (!(error instanceof TradetapeError)) return error;
    const unknown = this.admitted - this.acked;
    const others = unknown === 0 ? "" : `; whether the other ${unknown} are in the topic isn't known`;
    const message = `${error.message} (${this.acked} of the ${this.admitted} events before were acknowledged${others})`;
    const next = error.next === undefined ? {} : { next: error.next };
    return new TradetapeError(error.code, message, { canRetry: error.canRetry, ...next, cause: error });
  }
}
