import { setTimeout as sleep } from "node:timers/promises";

/**
 * Time and chance, as the landing meets them. They come from outside so that a simulation can run hours of schedules in
 * milliseconds, and run the same one again.
 */
export interface Clock {
  /** Milliseconds since some moment. They never go back, and tell how long something took, not what day it is. */
  now(): number;
  /** Resolves after `ms` milliseconds. @throws the signal's AbortError as soon as it is aborted */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls once, after `ms` milliseconds, unless the function that it returns is called before. */
  after(ms: number, call: () => void): () => void;
  /** Calls every `ms` milliseconds, until the function that it returns is called. */
  every(ms: number, call: () => void): () => void;
  /** Resolves when this turn of the event loop is over: all that came with it has been taken in. */
  turn(): Promise<void>;
  /** A number in [0, 1). */
  random(): number;
}

export const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, signal && { signal }),
  after: (ms, call) => {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
  every: (ms, call) => {
    const timer = setInterval(call, ms);
    return () => clearInterval(timer);
  },
  turn: () => new Promise((resolve) => setImmediate(resolve)),
  random: Math.random,
};

/** Resolves once the signal is aborted, at once where it was before. */
export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });

/** Sleeps `ms`, or until the signal is aborted: whoever waits then has to look at the signal. */
export const pause = (ms: number, signal: AbortSignal, clock: Pick<Clock, "sleep"> = SYSTEM_CLOCK): Promise<void> =>
  clock.sleep(ms, signal).catch(() => undefined);

/**
 * What `every` is to call, where the work may take longer than the time between two calls: a call in the midst of the
 * work does nothing. On a slow broker questions would pile up on its connection otherwise, and heartbeats behind them.
 * @param work never rejects
 */
export function oneAtATime(work: () => Promise<unknown>): () => void {
  let isAtWork = false;
  return () => {
    if (isAtWork) return;
    isAtWork = true;
    void work().finally(() => {
      isAtWork = false;
    });
  };
}

/** Has pieces of work done one at a time, in the order in which they were asked for. */
export class OneAfterAnother {
  #last: Promise<unknown> = Promise.resolve();

  /** @returns what `work` comes to, once all before it have ended, well or not */
  next<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}
