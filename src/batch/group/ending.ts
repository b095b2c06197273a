/** How a group ends: in good order, by a failure of its own, or at once. */
export class Ending {
  readonly #over = new AbortController();
  readonly #leaving = new AbortController();
  readonly #failed = Promise.withResolvers<never>();
  /** Aborted when the group is about to end: what waits for a service gives up then. */
  readonly signal: AbortSignal = AbortSignal.any([this.#over.signal, this.#leaving.signal]);
  /** Rejects when the group ends by itself; never resolves. */
  readonly failure: Promise<never> = this.#failed.promise;

  constructor() {
    this.failure.catch(() => undefined);
  }

  /** Whether what is queued is dropped, after a failure or when somebody forces the end. */
  get isOver(): boolean {
    return this.#over.signal.aborted;
  }

  leave(): void {
    this.#leaving.abort();
  }

  end(): void {
    this.#over.abort();
  }

  /** The first failure is the group's; what fails because the group ends is none. */
  readonly fail = (error: unknown): void => {
    if (!this.isOver) this.#failed.reject(error);
    this.end();
  };
}
