/** Publishes ticks one by one at an even pace; tells when each was due, by partition in the partition's order. */
import { readConfig } from "../../../src/config.ts";
import type { TickEvent } from "../../../src/event/events.ts";
import { openLog } from "../../../src/log.ts";
import { Partitioning } from "../../../src/topic/partition.ts";
import { TOPICS } from "../../../src/topic/topics.ts";
import { connectTape } from "../../../src/tradetape.ts";
import { type TickSource, tickArrays } from "../ticks.ts";
import { argsOf, print } from "./measure.ts";
import { nowUs, paced } from "./pace.ts";

export interface PacedTicksArgs {
  readonly source: TickSource;
  readonly perSecond: number;
  /** So many events at the beginning warm up. */
  readonly uncounted: number;
}

export interface PacedTicks {
  /** When each event was due, microseconds of the monotonic clock; an event's index is its offset, from this call's first. */
  readonly dueUs: readonly (readonly number[])[];
  /** When the first event that counts was due. */
  readonly countedFromUs: number;
  /** From due to acknowledged by all replicas, microseconds, in no order; of those that count. */
  readonly ackedUs: readonly number[];
}

const { source, perSecond, uncounted } = argsOf<PacedTicksArgs>();
const ready: TickEvent[] = [];
for await (const some of tickArrays(source)) ready.push(...some);
const tape = await connectTape(readConfig(), openLog({ logLevel: "error" }));
// Looks the partitions and the schema up; what the first event of a process waits for is no latency of the others'.
await tape.publishAll("ticks", []);
const partitioning = new Partitioning(TOPICS.ticks.partitions);
const dueUs: number[][] = Array.from({ length: TOPICS.ticks.partitions }, () => []);
const ackedUs: number[] = [];
const acks: Promise<void>[] = [];
let countedFromUs = 0;
await paced(perSecond, ready.length, (n, due) => {
  const tick = ready[n]!;
  dueUs[partitioning.place(tick.symbol_id).partition]!.push(Math.round(due));
  if (n === uncounted) countedFromUs = Math.round(due);
  const acked = () => {
    if (n >= uncounted) ackedUs.push(Math.round(nowUs() - due));
  };
  acks.push(tape.publish("ticks", tick).then(acked));
});
await Promise.all(acks);
await tape.close();
print({ dueUs, countedFromUs, ackedUs } satisfies PacedTicks);
