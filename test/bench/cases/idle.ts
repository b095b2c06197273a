import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../context.ts";
import { shown } from "../figures.ts";
import { usageOf, usedSince } from "../usage.ts";

export const SUBJECTS = { j: "`consume`, all groups in one process, nothing to do" };

/** What nothing costs, a minute long, after the groups have joined. */
export async function runIdle({ bed, store, size }: Context): Promise<void> {
  const piece = await store.once("idle", async () => {
    await bed.namespace("idle");
    await bed.clone("bench_j");
    const consumer = bed.service(["consume"], bed.env("idle", "bench_j"));
    await sleep(size.idleSettleSeconds * 1000);
    const pids = { node: consumer.pid, ...bed.pids };
    const before = usageOf(pids);
    await sleep(size.idleSeconds * 1000);
    const { node, postgres, broker } = usedSince(before, usageOf(pids));
    await consumer.stop();
    await bed.drop("bench_j");
    const percent = (us: number) => us / size.idleSeconds / 10_000;
    return {
      j: { nodePercent: percent(node), postgresPercent: percent(postgres), brokerPercent: percent(broker) },
    };
  });
  bed.say(`idle: ${shown(piece.j!.nodePercent!)} % of a core`);
}
