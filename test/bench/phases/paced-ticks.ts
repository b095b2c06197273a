/** Publishes ticks one by one at an even pace; tells when each was due, by partition in the partition's order. */
import { readConfig } from "../../../src/config.ts";
import type { TickEvent } from "../../../src/event/events.ts";
import { openLog } from "../../../src/log.ts";
import { Partitioning } from "../../../src/topic/partition.ts";
import { TOPICS } from "../../../src/topic/topics.ts";
import { connectTape } from "../../../src/tradetape/connect-tape.ts";
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

/** Read back at once: a millisecond's events of the fastest feed here, so that none is late for another's reading. */
const PAGE_EVENTS = 50;

const { source, perSecond, uncounted } = argsOf<PacedTicksArgs>();
// As bytes until they are due: a feed's events don't wait as objects, and collecting garbage around a quarter of a
// million of them held up every few hundred of those that were being published.
const pages: Buffer[] = [];
let count = 0;
for await (const some of tickArrays(source)) {
  for (let at = 0; at < some.length; at += PAGE_EVENTS) {
    pages.push(Buffer.from(JSON.stringify(some.slice(at, at + PAGE_EVENTS))));
  }
  count += some.length;
}
function* ticks(): Generator<TickEvent> {
  for (const page of pages) yield* JSON.parse(page.toString()) as TickEvent[];
}
const ready = ticks();
const tape = await connectTape(readConfig(), openLog({ logLevel: "error" }));
// Looks the partitions and the schema up; what the first event of a process waits for is no latency of the others'.
await tape.publishAll("ticks", []);
const partitioning = new Partitioning(TOPICS.ticks.partitions);
const dueUs: number[][] = Array.from({ length: TOPICS.ticks.partitions }, () => []);
const ackedUs = new Float64Array(count - uncounted);
let acked = 0;
const all = Promise.withResolvers<void>();
let countedFromUs = 0;
await paced(perSecond, count, (n, due) => {
  const tick = ready.next().value as TickEvent;
  dueUs[partitioning.place(tick.symbol_id).partition]!.push(Math.round(due));
  if (n === uncounted) countedFromUs = Math.round(due);
  const ack = () => {
    if (n >= uncounted) ackedUs[n - uncounted] = Math.round(nowUs() - due);
    if (++acked === count) all.resolve();
  };
  tape.publish("ticks", tick).then(ack, all.reject);
});
await all.promise;
await tape.close();
print({ dueUs, countedFromUs, ackedUs: [...ackedUs] } satisfies PacedTicks);
