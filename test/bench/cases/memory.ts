import { setTimeout as sleep } from "node:timers/promises";
import type { Bed } from "../bed.ts";
import { backlog, type Context, FIRST_DAY, seeded } from "../context.ts";
import { median, shown } from "../figures.ts";
import { residentMb } from "../usage.ts";

export const SUBJECTS = { i: "`consume ticks` over a backlog of 10 M events" };

/** Events of one day: ten times it and the backlog has ten partitions. */
const EVENTS_PER_DAY_MAX = 1_000_000;
const LOOK_MS = 250;

/** What has landed of a namespace's ticks. */
export async function landedOf(bed: Bed, namespace: string, database: string): Promise<number> {
  const [row] = await bed.inDatabase<{ landed: number }>(
    database,
    `SELECT coalesce(sum(read), 0)::int AS landed FROM tradetape.landed_batch WHERE topic = '${namespace}.ticks'`,
  );
  return row!.landed;
}

/**
 * Resident memory while ten million events land, of which five million and more wait for the first half of it. Growth is
 * the median of the last quarter against that of the first, which begins when the buffers have filled once.
 */
export async function runMemory(context: Context): Promise<void> {
  const { bed, store, size } = context;
  const piece = await store.once("memory", async () => {
    bed.say(`publishing a backlog of ${shown(size.backlogTicks)} ticks`);
    const days = Math.ceil(size.backlogTicks / EVENTS_PER_DAY_MAX);
    const source = seeded(context, size.backlogTicks, { firstDay: FIRST_DAY + 100, days });
    const events = await backlog(context, "backlog", source);
    await bed.clone("bench_i");
    const consumer = bed.service(["consume", "ticks"], bed.env("backlog", "bench_i"));
    const samples: { landed: number; mb: number }[] = [];
    const startedMs = performance.now();
    for (let landed = 0, said = 0; landed < events; ) {
      await sleep(LOOK_MS);
      landed = await landedOf(bed, "backlog", "bench_i");
      samples.push({ landed, mb: residentMb(consumer.pid, "now") });
      const tenth = Math.floor((10 * landed) / events);
      if (tenth > said) bed.say(`memory: ${shown(landed)} landed, ${shown(samples.at(-1)!.mb)} MB`);
      said = tenth;
    }
    const seconds = (performance.now() - startedMs) / 1000;
    const peak = residentMb(consumer.pid, "peak");
    await consumer.stop();
    await bed.drop("bench_i");
    const between = (from: number, to: number) =>
      median(samples.filter(({ landed }) => landed > from * events && landed <= to * events).map(({ mb }) => mb));
    const [first, last] = [between(0.05, 0.3), between(0.75, 1)];
    return { i: { wholeRate: events / seconds, residentMb: peak, growthPercent: (100 * (last - first)) / first } };
  });
  const { residentMb: peak, growthPercent } = piece.i!;
  bed.say(`memory: ${shown(peak!)} MB at most, ${shown(growthPercent!)} % growth`);
}
