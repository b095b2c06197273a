import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";

/** Something that is done in one go, while nothing else of the process runs, and for which records it is done. */
interface Step {
  readonly step: "encode" | "tell";
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly nextOffset: number;
}

/** How often it is looked whether the loop turns. */
const LOOK_MS = 250;
/** What is told of: brokers hear nothing meanwhile, and the other groups land nothing. */
const HELD_MS = 500;

/** One who looks. The loop is the process's, so whoever looks sees the steps of all groups. */
class Watch {
  readonly #clock: Pick<Clock, "now">;
  readonly #log: Pick<Log, "warn">;
  #lookedAt: number;
  /** The longest step since the last look. */
  #longest: (Step & { readonly tookMs: number }) | undefined;

  constructor(log: Pick<Log, "warn">, clock: Pick<Clock, "now">) {
    this.#log = log;
    this.#clock = clock;
    this.#lookedAt = clock.now();
  }

  measure<R>(step: Step, work: () => R): R {
    const began = this.#clock.now();
    try {
      return work();
    } finally {
      const tookMs = Math.round(this.#clock.now() - began);
      if (tookMs > (this.#longest?.tookMs ?? 0)) this.#longest = { ...step, tookMs };
    }
  }

  look(): void {
    const now = this.#clock.now();
    const heldMs = Math.round(now - this.#lookedAt - LOOK_MS);
    const longest = this.#longest;
    if (heldMs >= HELD_MS && longest !== undefined && longest.tookMs >= heldMs / 2) {
      this.#log.warn({ heldMs, ...longest }, "nothing else of this process ran meanwhile: its longest step is named");
    } else if (heldMs >= HELD_MS) {
      this.#log.warn(
        { heldMs },
        "nothing of this process ran meanwhile, and no group's step took long: a busy machine?",
      );
    }
    this.#lookedAt = now;
    this.#longest = undefined;
  }
}

const watches = new Set<Watch>();

/**
 * Tells in the log whenever the process's event loop was held for half a second: by which step of which group, where a step of
 * one took the time. @returns what ends that
 */
export function watchLoop(log: Pick<Log, "warn">, clock: Pick<Clock, "now" | "every">): () => void {
  const watch = new Watch(log, clock);
  watches.add(watch);
  const end = clock.every(LOOK_MS, () => watch.look());
  return () => {
    watches.delete(watch);
    end();
  };
}

/** Does a step that is done in one go, and notes how long it took where somebody looks: once a batch, and never once a row. */
export function held<R>(step: Step, work: () => R): R {
  let measured = work;
  for (const watch of watches) {
    const inner = measured;
    measured = () => watch.measure(step, inner);
  }
  return measured();
}
