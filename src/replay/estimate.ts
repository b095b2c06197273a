import { CONSUMER_OF } from "../../consumers/all.ts";
import { copiesDirectly } from "../batch/consumer.ts";
import type { ReplayPlan } from "./replay-plan.ts";

/**
 * Offsets a second, as `npm run replay-proof` found them on two cores that twenty other programs wanted, too: 11,913 of
 * ticks, 984 of small topics. An estimate that is too long is better than one that is too short; the progress bars of the
 * running replay are measured.
 */
const DIRECT_PER_SECOND = 12_000;
const STAGED_PER_SECOND = 1000;
/** What a replay of nothing takes: starting, joining the groups one after the other, and verifying. */
const FIXED_SECONDS = 5;

/** About how long a replay takes at full speed, in whole seconds. */
export function estimateSeconds({ topics }: ReplayPlan): number {
  let seconds = FIXED_SECONDS;
  for (const { topic, partitions } of topics) {
    const offsets = partitions.reduce((sum, { start, end }) => sum + end - start, 0);
    seconds += offsets / (copiesDirectly(CONSUMER_OF[topic]) ? DIRECT_PER_SECOND : STAGED_PER_SECOND);
  }
  return Math.ceil(seconds);
}
