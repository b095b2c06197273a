import type { Clock } from "../../src/clock.ts";

/** Numbers from a seed (mulberry32): the same seed is the same schedule, on every machine. */
export class Random {
  #state: number;

  constructor(seed: number) {
    // Neighbouring seeds must not begin alike.
    this.#state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0;
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  chance(share: number): boolean {
    return share > 0 && this.next() < share;
  }

  /** A whole number in [from, to]. */
  between(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.next() * items.length)]!;
  }
}

/** A process of the operating system: what it waits for comes late while it is stopped, and never once it is dead. */
export class Process {
  readonly name: string;
  isAlive = true;
  isFrozen = false;
  readonly held: Timer[] = [];

  constructor(name: string) {
    this.name = name;
  }
}

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly call: () => void;
  readonly owner: Process | undefined;
  isCancelled: boolean;
}

/** Many times what the longest schedule takes: a loop that waits for nothing must not run for ever. */
const STEPS_MAX = 300_000;

/** Time that passes only when nothing is left to do at this moment. Milliseconds since the schedule began. */
export class VirtualTime {
  now = 0;
  readonly random: Random;
  readonly trace: string[] | undefined;
  readonly counts = new Map<string, number>();
  readonly #heap: Timer[] = [];
  #order = 0;

  constructor(random: Random, isTraced: boolean) {
    this.random = random;
    this.trace = isTraced ? [] : undefined;
  }

  /** Notes a line of the trace, and counts its first word as something that happened. */
  note(what: string, detail: () => string = () => ""): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
    this.trace?.push(`${this.now.toFixed(1).padStart(9)}  ${what}  ${detail()}`);
  }

  /** Calls after `ms`, in the order of time and, at the same time, of asking. @returns cancels */
  after(ms: number, call: () => void, owner?: Process): () => void {
    const timer = { at: this.now + Math.max(0, ms), order: this.#order++, call, owner, isCancelled: false };
    this.#push(timer);
    return () => {
      timer.isCancelled = true;
    };
  }

  delay(ms: number, owner?: Process): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve, owner));
  }

  /** As often as not no time at all: a schedule of every single step would take twice as long and show little more. */
  async lag(fromMs: number, toMs: number, owner?: Process): Promise<void> {
    if (this.random.chance(0.5) && !owner?.isFrozen && owner?.isAlive !== false) return;
    await this.delay(this.random.between(fromMs, toMs), owner);
  }

  thaw(process: Process): void {
    process.isFrozen = false;
    for (const { call } of process.held.splice(0)) this.after(0, call, process);
  }

  /** The clock that a process looks at. */
  clockOf(process: Process): Clock {
    return {
      now: () => this.now,
      sleep: (ms, signal) => this.#sleep(ms, signal, process),
      after: (ms, call) => this.after(ms, call, process),
      every: (ms, call) => this.#every(ms, call, process),
      turn: () => this.delay(0, process),
      random: () => this.random.next(),
    };
  }

  #sleep(ms: number, signal: AbortSignal | undefined, process: Process): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = () => {
        cancel();
        reject(signal?.reason);
      };
      const cancel = this.after(
        ms,
        () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
        process,
      );
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  #every(ms: number, call: () => void, process: Process): () => void {
    let cancel: () => void;
    const turn = () => {
      cancel = this.after(ms, turn, process);
      call();
    };
    cancel = this.after(ms, turn, process);
    return () => cancel();
  }

  #steps = 0;

  /** Lets time pass until `isDone`, or `untilMs`. @returns whether it was done */
  async run(isDone: () => boolean, untilMs: number): Promise<boolean> {
    for (;;) {
      await quiet();
      if (isDone()) return true;
      const timer = this.#pop();
      if (timer === undefined || timer.at > untilMs) return false;
      if (++this.#steps > STEPS_MAX) throw new Error(`no end after ${STEPS_MAX} steps, ${this.now} ms`);
      if (timer.isCancelled || timer.owner?.isAlive === false) continue;
      this.now = timer.at;
      if (timer.owner?.isFrozen) timer.owner.held.push(timer);
      else timer.call();
    }
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(timer, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = timer;
  }

  #pop(): Timer | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

const isBefore = (a: Timer, b: Timer): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

/** Resolves when no promise has anything left to do: Node runs a tick only when its queue of microtasks is empty. */
const quiet = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));
