/** At most so many events a second, in steps of a tenth: a cap that is kept in bursts of a second is no cap. */
const STEPS_PER_SECOND = 10;

/** Caps a rate. Time comes from outside, so that a test needs none. */
export class RateCap {
  readonly #perSecondMax: number | undefined;
  readonly #nowMs: () => number;
  readonly #sleep: (ms: number) => Promise<void>;
  #freeAtMs = 0;

  /** @param perSecondMax undefined caps nothing */
  constructor(perSecondMax: number | undefined, nowMs: () => number, sleep: (ms: number) => Promise<void>) {
    this.#perSecondMax = perSecondMax;
    this.#nowMs = nowMs;
    this.#sleep = sleep;
  }

  /** How many events may go at once. */
  step(most: number): number {
    if (this.#perSecondMax === undefined) return most;
    return Math.min(most, Math.max(1, Math.floor(this.#perSecondMax / STEPS_PER_SECOND)));
  }

  /** Waits until `events` more may go. */
  async turn(events: number): Promise<void> {
    if (this.#perSecondMax === undefined) return;
    const waitMs = this.#freeAtMs - this.#nowMs();
    if (waitMs > 0) await this.#sleep(waitMs);
    this.#freeAtMs = Math.max(this.#freeAtMs, this.#nowMs()) + (events * 1000) / this.#perSecondMax;
  }
}
