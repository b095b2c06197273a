import type { Bed } from "./bed.ts";
import type { Landed } from "./phases/land.ts";
import type { Measured } from "./phases/measure.ts";
import type { PublishArgs } from "./phases/publish.ts";
import type { Size } from "./size.ts";
import type { Figures, Store } from "./store.ts";
import type { TickSource } from "./ticks.ts";

/** What a case is handed. */
export interface Context {
  readonly bed: Bed;
  readonly store: Store;
  readonly size: Size;
  readonly seed: number;
  /** A folder of real ticks, which may not be there. */
  readonly dataFolder: string;
}

/** 2021-01-04, a Monday, in days since 1970. */
export const FIRST_DAY = 18_631;

/** Ticks of one day on all partitions, unless told otherwise. */
export const seeded = (
  { seed }: Context,
  events: number,
  change: Partial<TickSource & { kind: "seeded" }> = {},
): TickSource & { kind: "seeded" } => ({
  kind: "seeded",
  events,
  seed,
  firstDay: FIRST_DAY,
  days: 1,
  partitions: 4,
  repeated: 0,
  ...change,
});

/** Publishes a source into the ticks topic of a new namespace, unmeasured. @returns how many records it has then */
export async function backlog({ bed }: Context, namespace: string, source: TickSource): Promise<number> {
  await bed.namespace(namespace);
  return publish(bed, namespace, source);
}

export async function publish(bed: Bed, namespace: string, source: TickSource): Promise<number> {
  const args: PublishArgs = { source, prepared: false, withIds: true };
  const { events } = await bed.phase<Measured>("publish", args, bed.env(namespace, "tradetape_bench_template"));
  return events;
}

/** Lands a namespace's ticks in a database by the product's group. */
export const land = (bed: Bed, namespace: string, database: string, events: number): Promise<Landed> =>
  bed.phase<Landed>("land", { events }, bed.env(namespace, database));

export function figuresOf(measured: Measured): Figures {
  const { events, seconds, wholeSeconds, wholeEvents, usage, residentMb } = measured;
  return {
    rate: events / seconds,
    wholeRate: wholeEvents / wholeSeconds,
    nodeUs: usage.node / events,
    postgresUs: usage.postgres / events,
    brokerUs: usage.broker / events,
    residentMb,
  };
}
