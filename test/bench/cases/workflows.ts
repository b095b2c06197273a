import type { Context } from "../context.ts";
import { percentile, shown } from "../figures.ts";
import type { AgentBacklog } from "../phases/agent-backlog.ts";
import type { Workflows } from "../phases/workflows.ts";

const RATES = [5, 50, 300, 800] as const;

/** What the first seconds wait for, groups' joining above all, isn't counted. */
const WARM_SECONDS = 6;

export const SUBJECTS = {
  ...Object.fromEntries(
    RATES.map((rate) => [
      `m${rate}`,
      `publish to row visible of predictions, decisions and fills, ${rate} workflows/s`,
    ]),
  ),
  n: "a backlog of predictions, decisions and fills, all groups side by side, to the last audit entry",
};

/** How long agents' events take to be rows, children published right behind their parents, all groups in one process. */
export async function runWorkflows({ bed, store, size }: Context): Promise<void> {
  for (const rate of RATES) {
    const figures = (
      await store.once(`workflows ${rate}`, async () => {
        const env = bed.env(`workflows${rate}`, `bench_m${rate}`);
        await bed.namespace(`workflows${rate}`);
        await bed.clone(`bench_m${rate}`);
        const consumer = bed.service(["consume"], env);
        const args = {
          perSecond: rate,
          seconds: size.workflowSeconds,
          uncounted: rate * WARM_SECONDS,
          consumer: consumer.pid,
        };
        const { events, visibleUs, usage, parked } = await bed.phase<Workflows>("workflows", args, env);
        await consumer.stop();
        await bed.drop(`bench_m${rate}`);
        const sorted = Float64Array.from(Object.values(visibleUs).flat()).sort();
        const ms = (share: number) => percentile(sorted, share) / 1000;
        const each = (us: number) => us / events;
        const quantiles = { p50Ms: ms(0.5), p99Ms: ms(0.99), p999Ms: ms(0.999) };
        const cpu = { nodeUs: each(usage.node), postgresUs: each(usage.postgres), brokerUs: each(usage.broker) };
        for (const [kind, us] of Object.entries(visibleUs)) {
          const own = Float64Array.from(us).sort();
          const [half, most] = [0.5, 0.99].map((share) => shown(percentile(own, share) / 1000));
          bed.say(`  ${kind} at ${rate}/s: p50 ${half} ms, p99 ${most} ms`);
        }
        return { [`m${rate}`]: { rate: rate * 3, ...quantiles, ...cpu, parked } };
      })
    )[`m${rate}`]!;
    const { p50Ms, p99Ms, nodeUs, postgresUs, brokerUs, parked } = figures;
    const [half, most, node, postgres, broker] = [p50Ms, p99Ms, nodeUs, postgresUs, brokerUs].map((n) => shown(n!));
    bed.say(
      `workflows, ${rate}/s: p50 ${half} ms, p99 ${most} ms; us of CPU an event: node ${node}, PostgreSQL ${postgres}, ` +
        `broker ${broker}; ${parked} parked`,
    );
  }
}

/** Lands what agents published while nobody landed, parents and children side by side. */
export async function runAgentBacklog({ bed, store, size: { backlogWorkflows: workflows } }: Context): Promise<void> {
  const figures = (
    await store.once("agent backlog", async () => {
      const env = bed.env("agents", "bench_n");
      await bed.namespace("agents");
      await bed.clone("bench_n");
      await bed.phase("publish-workflows", { workflows }, env);
      const consumer = bed.service(["consume"], env);
      const { seconds, parked, usage } = await bed.phase<AgentBacklog>(
        "agent-backlog",
        { workflows, consumer: consumer.pid },
        env,
      );
      await consumer.stop();
      await bed.drop("bench_n");
      const events = 3 * workflows;
      const [nodeUs, postgresUs, brokerUs] = [usage.node, usage.postgres, usage.broker].map((us) => us / events);
      return { n: { rate: events / seconds, nodeUs: nodeUs!, postgresUs: postgresUs!, brokerUs: brokerUs!, parked } };
    })
  ).n!;
  const { rate, nodeUs, postgresUs, brokerUs, parked } = figures;
  const [perSecond, node, postgres, broker] = [rate, nodeUs, postgresUs, brokerUs].map((n) => shown(n!));
  bed.say(
    `agents' backlog: ${perSecond} events/s; us of CPU an event: node ${node}, PostgreSQL ${postgres}, broker ${broker}; ` +
      `${parked} parked`,
  );
}
