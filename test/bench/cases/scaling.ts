import { setTimeout as sleep } from "node:timers/promises";
import { readConfig } from "../../../src/config.ts";
import { plainKafka, withPlainAdmin } from "../../support/services/plain-kafka.ts";
import { backlog, type Context, figuresOf, land, seeded } from "../context.ts";
import { shown } from "../figures.ts";
import type { Figures } from "../store.ts";
import { usageOf, usedSince } from "../usage.ts";
import { landedOf } from "./memory.ts";

const PARTITIONS = [1, 2, 4] as const;
const PROCESSES = [1, 2] as const;

export const SUBJECTS = {
  k1: "land ticks of one partition",
  k2: "land ticks of two partitions",
  k4: "land ticks of four partitions",
  kOne: "four partitions by one process, from when its group stands",
  kTwo: "four partitions by two processes, from when their group stands",
};

/**
 * The same events on 1, 2 and 4 of the topic's partitions (by their keys), and by one and two processes. Processes are
 * measured from outside and from the moment that the group is stable with all of them: before it the first one has all
 * partitions.
 */
export async function runScaling(context: Context): Promise<void> {
  const { bed, store, size } = context;
  const rounds = Array.from({ length: size.otherRounds }, (_, round) => round + 1);
  const keys = rounds.flatMap((r) => [
    ...PARTITIONS.map((n) => `scaling ${r} ${n}`),
    ...PROCESSES.map((n) => `members ${r} ${n}`),
  ]);
  if (keys.every((key) => store.has(key))) return;
  const events = new Map<number, number>();
  for (const partitions of PARTITIONS) {
    events.set(partitions, await backlog(context, `on${partitions}`, seeded(context, size.ticks, { partitions })));
  }
  const long = await backlog(context, "members", seeded(context, 2 * size.ticks));
  for (const round of rounds) {
    const said: string[] = [];
    for (const partitions of PARTITIONS) {
      const piece = await store.once(`scaling ${round} ${partitions}`, async () => {
        await bed.clone("bench_k");
        return {
          [`k${partitions}`]: figuresOf(await land(bed, `on${partitions}`, "bench_k", events.get(partitions)!)),
        };
      });
      said.push(`${partitions} partitions ${shown(piece[`k${partitions}`]!.rate!)}/s`);
    }
    for (const processes of PROCESSES) {
      const subject = processes === 1 ? "kOne" : "kTwo";
      const piece = await store.once(`members ${round} ${processes}`, async () => ({
        [subject]: await landByProcesses(context, processes, long),
      }));
      said.push(`${processes} processes ${shown(piece[subject]!.rate ?? 0)}/s`);
    }
    bed.say(`scaling, round ${round}: ${said.join(", ")}`);
  }
  await bed.drop("bench_k");
}

const LOOK_MS = 20;

/** @returns no figures when so little was left when the group stood that they would mean nothing */
async function landByProcesses({ bed }: Context, processes: number, events: number): Promise<Figures> {
  await bed.clone("bench_k");
  // Heartbeats tell a member of another's joining; a shorter session has more of them, so the two meet sooner.
  const env = { ...bed.env("members", "bench_k"), TRADETAPE_SESSION_TIMEOUT_MS: "10000" };
  const members = Array.from({ length: processes }, () => bed.service(["consume", "ticks"], env));
  const groupId = `tradetape.members.ticks.${await databaseId(bed)}`;
  await withPlainAdmin(plainKafka(readConfig({}, env)), async (admin) => {
    for (;;) {
      const { groups } = await admin.describeGroups([groupId]);
      if (groups[0]?.state === "Stable" && groups[0].members.length === processes) return;
      await sleep(LOOK_MS);
    }
  });
  const before = await landedOf(bed, "members", "bench_k");
  const usages = () => members.map(({ pid }) => usageOf({ node: pid, ...bed.pids }));
  const usedBefore = usages();
  const startedMs = performance.now();
  while ((await landedOf(bed, "members", "bench_k")) < events) await sleep(LOOK_MS);
  const seconds = (performance.now() - startedMs) / 1000;
  const used = usages().map((now, n) => usedSince(usedBefore[n]!, now));
  await Promise.all(members.map((member) => member.stop()));
  const counted = events - before;
  if (counted < events / 4) return {};
  return {
    rate: counted / seconds,
    nodeUs: used.reduce((sum, { node }) => sum + node, 0) / counted,
    postgresUs: used[0]!.postgres / counted,
    brokerUs: used[0]!.broker / counted,
  };
}

async function databaseId(bed: Context["bed"]): Promise<string> {
  const [row] = await bed.inDatabase<{ id: string }>("bench_k", "SELECT database_id AS id FROM tradetape.database_id");
  return row!.id;
}
