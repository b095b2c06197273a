import { type Clock, pause, SYSTEM_CLOCK } from "../clock.ts";
import type { Speed } from "../replay/bounds.ts";

/** Nobody sees a difference of 50 ms, and each slice is a request. */
const SLICE_MS = 50;

/**
 * Lets a file's events go when they are due: by their own time, so many times as fast as they happened, from the first
 * one's on; or so many a second. One that lies before its predecessor is due at once. Ends early after a signal.
 */
export class PublishSpeed {
  readonly #speed: Speed;
  readonly #signal: AbortSignal;
  readonly #clock: Pick<Clock, "now" | "sleep">;
  #startedMs: number | undefined;
  #startedUs = 0;
  #count = 0;

  constructor(speed: Speed, signal: AbortSignal, clock: Pick<Clock, "now" | "sleep"> = SYSTEM_CLOCK) {
    this.#speed = speed;
    this.#signal = signal;
    this.#clock = clock;
  }

  /** The events in their order, in slices of what is due; at full speed all at once. */
  async *let<E extends object>(events: readonly E[]): AsyncGenerator<readonly E[]> {
    if (this.#speed.kind === "max") {
      yield events;
      return;
    }
    let from = 0;
    for (let i = 0; i < events.length; i++) {
      const waitMs = this.#dueMs(events[i]!) - this.#clock.now();
      if (waitMs <= 0) continue;
      if (i > from) yield events.slice(from, i);
      from = i;
      await pause(Math.max(waitMs, SLICE_MS), this.#signal, this.#clock);
      if (this.#signal.aborted) return;
    }
    yield events.slice(from);
  }

  #dueMs(event: { readonly timestamp?: unknown }): number {
    const us = typeof event.timestamp === "number" ? event.timestamp : this.#startedUs;
    if (this.#startedMs === undefined) {
      this.#startedMs = this.#clock.now();
      this.#startedUs = us;
    }
    if (this.#speed.kind === "rate") return this.#startedMs + (this.#count++ * 1000) / this.#speed.perSecond;
    const factor = this.#speed.kind === "times" ? this.#speed.factor : Number.POSITIVE_INFINITY;
    return this.#startedMs + (us - this.#startedUs) / 1000 / factor;
  }
}
