import { type Clock, pause, SYSTEM_CLOCK } from "../clock.ts";

/** At most so many events a second, in steps of a tenth: a cap that is kept in bursts of a second is no cap. */
const STEPS_PER_SECOND = 10;

/** Caps a rate. */
export class RateCap {
  readonly #perSecondMax: number | undefined;
  readonly #stop: AbortSignal;
  readonly #clock: Pick<Clock, "now" | "sleep">;
  #freeAtMs = Number.NEGATIVE_INFINITY;

  /** @param perSecondMax undefined caps nothing */
  constructor(perSecondMax: number | undefined, stop: AbortSignal, clock: Pick<Clock, "now" | "sleep"> = SYSTEM_CLOCK) {
    this.#perSecondMax = perSecondMax;
    this.#stop = stop;
    this.#clock = clock;
  }

  /** How many events may go at once. */
  step(most: number): number {
    if (this.#perSecondMax === undefined) return most;
    return Math.min(most, Math.max(1, Math.floor(this.#perSecondMax / STEPS_PER_SECOND)));
  }

  /** Waits until `events` more may go, or until the stop. */
  async turn(events: number): Promise<void> {
    if (this.#perSecondMax === undefined) return;
    const waitMs = this.#freeAtMs - this.#clock.now();
    if (waitMs > 0) await pause(waitMs, this.#stop, this.#clock);
    this.#freeAtMs = Math.max(this.#freeAtMs, this.#clock.now()) + (events * 1000) / this.#perSecondMax;
  }
}
