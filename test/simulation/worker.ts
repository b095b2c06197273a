import { parentPort, workerData } from "node:worker_threads";
import { simulate } from "./world.ts";

/** What one worker found: the schedules that went wrong, and how often each thing happened. */
export interface Report {
  readonly wrong: readonly { readonly seed: number; readonly faults: readonly string[] }[];
  readonly counts: ReadonlyMap<string, number>;
  readonly virtualMs: number;
}

/** So many wrong schedules say enough; a core that is broken altogether must not fill the screen. */
const WRONG_MAX = 5;

/** Runs the seeds from, from + step, ... below `to`. */
async function run({ from, to, step }: { from: number; to: number; step: number }): Promise<Report> {
  const wrong: { seed: number; faults: readonly string[] }[] = [];
  const counts = new Map<string, number>();
  let virtualMs = 0;
  for (let seed = from; seed < to && wrong.length < WRONG_MAX; seed += step) {
    const outcome = await simulate(seed);
    if (outcome.faults.length > 0) wrong.push({ seed, faults: outcome.faults });
    for (const [what, n] of outcome.counts) counts.set(what, (counts.get(what) ?? 0) + n);
    virtualMs += outcome.virtualMs;
  }
  return { wrong, counts, virtualMs };
}

// Thousands of errors are thrown on purpose; a stack for each would take a fifth of the time.
Error.stackTraceLimit = 0;

parentPort?.postMessage(await run(workerData));
