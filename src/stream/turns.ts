/** Does pieces of work one after the other. The first one that fails is the last: what comes behind it would go on wrongly. */
export class Turns {
  readonly #onFault: (error: unknown) => void;
  #last: Promise<void> = Promise.resolve();
  #fault: { readonly error: unknown } | undefined;

  /** @param onFault called once, with what the first failed with */
  constructor(onFault: (error: unknown) => void) {
    this.#onFault = onFault;
  }

  /** @throws what the work, or one before it, failed with */
  take(work: () => Promise<void>): Promise<void> {
    const done = this.#last.then(() => {
      if (this.#fault !== undefined) throw this.#fault.error;
      return work();
    });
    this.#last = done.catch((error: unknown) => {
      if (this.#fault !== undefined) return;
      this.#fault = { error };
      this.#onFault(error);
    });
    return done;
  }
}

/**
 * Does work during which heartbeats are sent. What a heartbeat throws, as in a rebalance, is no fault of the work: it is thrown
 * when the work is done, because what would be left of it would never be done.
 * @param work gets the heartbeat as one that never throws
 */
export async function keepingBeat(
  beat: () => Promise<void>,
  work: (beat: () => Promise<void>) => Promise<void>,
): Promise<void> {
  let told: { readonly error: unknown } | undefined;
  const kept = () =>
    beat().catch((error: unknown) => {
      told = { error };
    });
  await work(kept);
  if (told !== undefined) throw told.error;
}
