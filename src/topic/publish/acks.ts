import { TradetapeError } from "../../errors.ts";
import type { Batch } from "./produce-queue.ts";

/** Follows a bulk publish through its batches: what was admitted, what is acked, the first failure. */
export class Acks {
  /** Events admitted. */
  admitted = 0;
  /** Events acknowledged. */
  acked = 0;
  readonly #pending = new Map<Batch, number>();
  #refusal: { readonly error: unknown } | undefined;
  #settle: (() => void) | undefined;

  /** Counts one event of this batch as admitted, and as acknowledged when the batch is. */
  add(batch: Batch): void {
    this.admitted++;
    const events = this.#pending.get(batch);
    this.#pending.set(batch, (events ?? 0) + 1);
    if (events !== undefined) return;
    batch.acked.then(
      () => this.#leave(batch, undefined),
      (error: unknown) => this.#leave(batch, { error }),
    );
  }

  #leave(batch: Batch, refusal: { error: unknown } | undefined): void {
    if (refusal === undefined) this.acked += this.#pending.get(batch)!;
    else this.#refusal ??= refusal;
    this.#pending.delete(batch);
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
    const message = `${error.message} (${this.acked} of the ${this.admitted} events before were acknowledged)`;
    const next = error.next === undefined ? {} : { next: error.next };
    return new TradetapeError(error.code, message, { canRetry: error.canRetry, ...next, cause: error });
  }
}
