import type { Context } from "../context.ts";
import { SUBJECTS as advice, runAdvice } from "./advice.ts";
import { SUBJECTS as growth, runGrowth } from "./growth.ts";
import { SUBJECTS as idle, runIdle } from "./idle.ts";
import { SUBJECTS as latency, runLatency } from "./latency.ts";
import { SUBJECTS as memory, runMemory } from "./memory.ts";
import { SUBJECTS as poison, runPoison } from "./poison.ts";
import { SUBJECTS as real, runReal } from "./real.ts";
import { SUBJECTS as rounds, runRounds } from "./rounds.ts";
import { runScaling, SUBJECTS as scaling } from "./scaling.ts";
import { runSmallEvents, SUBJECTS as small } from "./small-events.ts";
import { runAgentBacklog, runWorkflows, SUBJECTS as workflows } from "./workflows.ts";

/** Compared with one another, so they run together. */
const IN_ROUNDS = ["a", "b", "c", "d", "e", "h"] as const;

const ALONE = {
  f: runSmallEvents,
  g: runLatency,
  j: runIdle,
  k: runScaling,
  m: runWorkflows,
  n: runAgentBacklog,
  poison: runPoison,
  real: runReal,
  advice: runAdvice,
  i: runMemory,
  l: runGrowth,
} as const;

export const CASES: readonly string[] = [...IN_ROUNDS, ...Object.keys(ALONE)];

/** What is measured, by the names that figures bear. */
export const SUBJECTS: Readonly<Record<string, string>> = {
  ...rounds,
  ...small,
  ...workflows,
  ...latency,
  ...memory,
  ...idle,
  ...scaling,
  ...growth,
  ...real,
  ...poison,
  ...advice,
};

/** Runs the chosen cases; those of the rounds first, the longest last. */
export async function runCases(context: Context, chosen: ReadonlySet<string>): Promise<void> {
  const letters = new Set(IN_ROUNDS.filter((name) => chosen.has(name)));
  if (letters.size > 0) await runRounds(context, letters);
  for (const [name, run] of Object.entries(ALONE)) if (chosen.has(name)) await run(context);
}
