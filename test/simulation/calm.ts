import { uuid } from "./events.ts";
import type { Parent } from "./fakes/fake-log.ts";
import { heal } from "./faults.ts";
import { type Plan, planOf, type Script } from "./plan.ts";

/** A symbol that is published so late that whatever belongs to it is parked for long. @param lagMs until it lands */
export const lateSymbol = (publishedMs: number, lagMs?: number): Parent => ({
  id: uuid(2, 7),
  publishedMs,
  ...(lagMs === undefined ? {} : { lagMs }),
  landedMs: undefined,
  usedMs: undefined,
});

const NEVER_MS = 1_000_000_000;

interface Written extends Partial<Omit<Plan, "config" | "mixture">> {
  readonly script: Script;
  /** Symbols beside the one that is there from the start. */
  readonly parents?: readonly Parent[];
  readonly config?: Partial<Plan["config"]>;
}

/** One process, one partition of predictions and no fault but those that the test names. */
export function calm({ parents = [], config, ...change }: Written): Plan {
  const plan = planOf(1);
  const faults = { ...plan.faults };
  heal(faults);
  const known: Parent = { id: uuid(2, 0), publishedMs: 0, landedMs: undefined, usedMs: undefined };
  const mixture = { marker: 0, aborted: 0, poison: 0, repeat: 0, days: 1 };
  return {
    ...plan,
    topic: "predictions",
    partitions: 1,
    processes: 1,
    records: [0],
    actions: [],
    healsMs: 2000,
    parentLagMs: 10,
    faults,
    ...change,
    mixture: { ...mixture, topic: "predictions", parents: [known, ...parents] },
    config: {
      ...plan.config,
      sweepIntervalMs: 300,
      historyCheckMs: NEVER_MS,
      parkDeadlineMs: NEVER_MS,
      parkedEventsMax: 1000,
      landingBufferBytesMax: 1_000_000,
      ...config,
    },
  };
}
