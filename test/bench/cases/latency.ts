import type { Bed } from "../bed.ts";
import { type Context, FIRST_DAY, publish, seeded } from "../context.ts";
import { percentile, shown } from "../figures.ts";
import type { PacedTicks } from "../phases/paced-ticks.ts";
import type { Watched } from "../phases/watch.ts";
import type { Figures } from "../store.ts";
import { isoDay } from "./tick-table.ts";

const SHARES = [10, 30, 70] as const;

/** A publisher is a process that runs all day; what its first seconds wait for (compiling, connecting) isn't counted. */
const WARM_SECONDS = 10;

export const SUBJECTS = {
  gMax: "publish and land at the same time, as fast as both go: the maximum",
  g10: "publish to row visible at 10 % of it",
  g30: "publish to row visible at 30 % of it",
  g70: "publish to row visible at 70 % of it",
  hAck10: "publish to acknowledged at 10 % of it",
  hAck30: "publish to acknowledged at 30 % of it",
  hAck70: "publish to acknowledged at 70 % of it",
};

/**
 * How long after it was due an event is visible to a reader, by an open loop (`paced`), with every group of `consume` in
 * one process. The maximum is measured the same way, publisher and all: a share of the backlog's rate, which nobody
 * publishes beside, couldn't be kept up at all.
 */
export async function runLatency(context: Context): Promise<void> {
  const { bed, store, size } = context;
  const rounds = Array.from({ length: size.latencyRounds }, (_, round) => round + 1);
  if (store.has("latency max") && rounds.every((round) => SHARES.every((s) => store.has(`latency ${round} ${s}`))))
    return;
  await bed.namespace("live");
  await bed.clone("bench_g");
  const env = bed.env("live", "bench_g");
  const consumer = bed.service(["consume"], env);
  let landed = 0;
  let days = 0;
  /** Ticks of a day of their own, watched from outside while `publishing` goes on. */
  const watch = async <R>(events: number, publishing: () => Promise<R>): Promise<[R, Watched]> => {
    // As it was made the evening before: one event a day waits for its partition, and these are not about that one.
    await bed.inDatabase("bench_g", `SELECT tradetape.make_day('market_data_tick', '${isoDay(days - 1)}')`);
    const watching = bed.phase<Watched>("watch", { until: landed + events }, env);
    const both = await Promise.all([publishing(), watching]);
    landed += events;
    return both;
  };
  /** The next day's. */
  const ticks = (events: number) => seeded(context, events, { firstDay: FIRST_DAY + days++ });
  // Groups join, day partitions and caches get warm.
  const few = ticks(size.ticks / 10);
  await watch(few.events, () => publish(bed, "live", few));
  const max = (
    await store.once("latency max", async () => {
      const source = ticks(size.ticks);
      const [, { before, seen }] = await watch(size.ticks, () => publishReady(context, env, source));
      return { gMax: { rate: rateOf(before, seen) } };
    })
  ).gMax!.rate!;
  bed.say(`publish and land together: ${shown(max)}/s`);
  for (const round of rounds) {
    for (const share of SHARES) {
      const piece = await store.once(`latency ${round} ${share}`, async () => {
        const perSecond = Math.round((max * share) / 100);
        const events = perSecond * (WARM_SECONDS + size.latencySeconds);
        const args = { source: ticks(events), perSecond, uncounted: perSecond * WARM_SECONDS };
        const [paced, watched] = await watch(events, () => bed.phase<PacedTicks>("paced-ticks", args, env));
        return {
          [`g${share}`]: { rate: perSecond, ...quantiles(visibleUs(paced, watched)) },
          [`hAck${share}`]: { rate: perSecond, ...quantiles(paced.ackedUs) },
        };
      });
      const { p50Ms, p99Ms } = piece[`g${share}`]!;
      bed.say(`latency, round ${round}, ${share} %: p50 ${shown(p50Ms!)} ms, p99 ${shown(p99Ms!)} ms`);
    }
  }
  await consumer.stop();
  await bed.drop("bench_g");
}

const publishReady = ({ bed }: Context, env: ReturnType<Bed["env"]>, source: ReturnType<typeof seeded>) =>
  bed.phase("publish", { source, prepared: true, withIds: true }, env);

const sum = (offsets: readonly number[]) => offsets.reduce((total, offset) => total + offset, 0);

/** From the first landing that was seen to the last. */
function rateOf(before: readonly number[], seen: Watched["seen"]): number {
  const [first] = seen;
  const last = seen.at(-1);
  if (first === undefined || last === undefined || first === last) throw new Error(`too few events from ${before}`);
  return ((sum(last.next) - sum(first.next)) * 1_000_000) / (last.us - first.us);
}

/** From due to seen, microseconds; a partition's n-th event has its n-th offset, because nobody else publishes there. */
function visibleUs({ dueUs, countedFromUs }: PacedTicks, { before, seen }: Watched): number[] {
  const latencies: number[] = [];
  dueUs.forEach((dues, partition) => {
    let at = 0;
    dues.forEach((due, n) => {
      while (at < seen.length && seen[at]!.next[partition]! <= before[partition]! + n) at++;
      const visible = seen[at];
      if (visible === undefined) throw new Error(`event ${n} of partition ${partition} was never seen`);
      if (due >= countedFromUs) latencies.push(visible.us - due);
    });
  });
  return latencies;
}

function quantiles(us: readonly number[]): Figures {
  const sorted = Float64Array.from(us).sort();
  const ms = (share: number) => percentile(sorted, share) / 1000;
  return { p50Ms: ms(0.5), p99Ms: ms(0.99), p999Ms: ms(0.999) };
}
