import type { Clock } from "../../clock.ts";
import type { SessionSource } from "../../table/pool/session-pool.ts";
import type { LandingPlan } from "../land/landing-plan.ts";
import type { Patience } from "../patience.ts";
import type { Landings } from "./landings.ts";

/** What both who waits for parents and who releases their children needs of a group. */
export interface KinParts {
  readonly plan: LandingPlan;
  readonly landings: Landings;
  readonly landing: SessionSource;
  readonly clock: Clock;
  /** Aborted when the group is about to end. */
  readonly signal: AbortSignal;
  readonly patience: () => Patience;
}

/** The full names of the topics that a plan's events have parents in. */
export const parentTopics = ({ consumer, topicEnds }: LandingPlan): ReadonlySet<string> =>
  new Set(consumer.landing.parents.map(({ topic }) => topicEnds.nameOf(topic)));
