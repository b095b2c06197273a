import type { AgentRun } from "./run.ts";

/**
 * The name under which a program of the agent keeps its place in the topics. Bars of other lengths, or that take ticks
 * for longer, begin before the place of these, so theirs is another: gone on from here, their first ones would be told
 * without their beginning, over the whole ones.
 */
export function placeOf(program: string, run: Omit<AgentRun, "seed" | "outOfOrder">): string {
  const lengths = run.intervals.map(({ name }) => name).sort();
  const settings = program === "bars" ? [...lengths, `${run.latenessUs}us`] : [run.interval];
  return [run.session ?? "live", run.actor, run.strategy, ...settings].map(encodeURIComponent).join(".");
}
