import type { ServicePids } from "../bed.ts";
import { type Pids, residentMb, type Usage, usageOf, usedSince } from "../usage.ts";

/** What every phase tells of its work. */
export interface Measured {
  readonly events: number;
  /** Of the work itself. */
  readonly seconds: number;
  /** With the process's own start: loading, connecting, joining. */
  readonly wholeSeconds: number;
  readonly wholeEvents: number;
  readonly usage: Usage;
  /** This process's peak in MB. */
  readonly residentMb: number;
}

/** So much of a landing comes before it is measured. */
export const WARM_SHARE = 0.25;

/** A phase's arguments, and the services' processes. */
export const argsOf = <A>(): A & { readonly pids: ServicePids } => JSON.parse(process.argv[2]!);

export const print = (result: object): void => {
  process.stdout.write(JSON.stringify(result));
};

/** Time and processor time from its making to `end`. */
export class Measure {
  readonly #pids: Pids;
  readonly #usage: Usage;
  readonly #startedMs: number;

  constructor(services: ServicePids) {
    this.#pids = { node: process.pid, ...services };
    this.#usage = usageOf(this.#pids);
    this.#startedMs = performance.now();
  }

  /** @param wholeEvents with those before it was made */
  end(events: number, wholeEvents = events): Measured {
    const endedMs = performance.now();
    return {
      events,
      seconds: (endedMs - this.#startedMs) / 1000,
      // performance counts from the start of the process.
      wholeSeconds: endedMs / 1000,
      wholeEvents,
      usage: usedSince(this.#usage, usageOf(this.#pids)),
      residentMb: residentMb(process.pid, "peak"),
    };
  }
}
