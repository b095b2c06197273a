import type { Context } from "../context.ts";
import { shown } from "../figures.ts";
import type { PacedSmall } from "../phases/paced-small.ts";

export const SUBJECTS = {
  f: "predictions and decisions, audited one by one, 2,000 events/s, all groups in one process",
};

const PER_SECOND = 2000;

/** Small topics at the pace of a busy desk: whether the lag stays where it is, and what that costs. */
export async function runSmallEvents({ bed, store, size }: Context): Promise<void> {
  const { lagMax } = (
    await store.once("small events", async () => {
      await bed.namespace("small");
      await bed.clone("bench_f");
      const env = bed.env("small", "bench_f");
      const consumer = bed.service(["consume"], env);
      const args = { perSecond: PER_SECOND, seconds: size.smallSeconds, consumer: consumer.pid };
      const paced = await bed.phase<PacedSmall>("paced-small", args, env);
      await consumer.stop();
      await bed.drop("bench_f");
      const { acked, seconds, lags, lagLast, landedAfterMs, usage } = paced;
      const percent = (us: number) => us / seconds / 10_000;
      return {
        f: {
          rate: acked / seconds,
          lagMax: Math.max(...lags),
          lagLast,
          ms: landedAfterMs,
          nodePercent: percent(usage.node),
          postgresPercent: percent(usage.postgres),
          brokerPercent: percent(usage.broker),
        },
      };
    })
  ).f!;
  bed.say(`small events: at most ${shown(lagMax!)} behind at ${shown(PER_SECOND)}/s`);
}
