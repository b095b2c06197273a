import type { Consumer } from "../batch/consumer.ts";
import { TradetapeError } from "../errors.ts";
import { Connection, placeOf } from "../table/connection.ts";
import { nextOffsetsOf } from "../table/landed.ts";
import { migrate } from "../table/migrate.ts";
import { beginRun, lockReplay, type ReplayRun, tablesInUse, unfinishedRun } from "../table/replay-run.ts";
import { planDigest, type ReplayPlan } from "./plan.ts";

/** How a target may be used. */
export interface TargetOptions {
  /** Only go on with a replay that was begun. */
  readonly resume: boolean;
  /** Land beside rows that are there. */
  readonly add: boolean;
}

/**
 * Opens the target as its owner, brings it to the newest shape, and keeps other replays out of it until the session is
 * closed.
 * @throws TradetapeError database_unreachable, not_migrated, replay_refused
 */
export async function openTarget(databaseUrl: string): Promise<Connection> {
  await migrate(databaseUrl);
  const owner = await Connection.open(databaseUrl, { name: "replay", role: "tradetape_owner" });
  if (await lockReplay(owner)) return owner;
  await owner.close();
  throw new TradetapeError("replay_refused", `another replay into ${placeOf(databaseUrl)} is running`, {
    canRetry: true,
    next: "Wait for it, or stop it first: it can be resumed.",
  });
}

/**
 * The run to go on with: the one that this target has not finished, when it is of the same plan, else a new one.
 * @throws TradetapeError replay_refused
 */
export async function beginOrResume(
  owner: Connection,
  plan: ReplayPlan,
  all: readonly Consumer[],
  { resume, add }: TargetOptions,
): Promise<{ readonly run: ReplayRun<ReplayPlan>; readonly isResumed: boolean }> {
  const digest = planDigest(plan);
  const before = await unfinishedRun<ReplayPlan>(owner);
  if (before !== undefined) {
    if (before.planDigest === digest) return { run: before, isResumed: true };
    throw refused("the target has an unfinished replay of another plan", "Resume that one by its own flags first.");
  }
  if (resume) throw refused("there is no unfinished replay to resume", "Leave --resume away to begin one.");
  const tables = all.map(({ landing }) => landing.table);
  const used = await tablesInUse(owner, tables);
  if (used.length > 0 && !add) {
    const next = "Give a fresh database; or --add, to land beside what is there.";
    throw refused(`the target holds what no replay of this plan wrote: ${used.join(", ")}`, next);
  }
  await refuseGaps(owner, plan);
  const topics = plan.topics.map(({ name }) => name);
  const run = { planDigest: digest, plan, whole: plan.whole, topics };
  return { run: await beginRun(owner, run, used.length === 0 ? tables : []), isResumed: false };
}

/** A partition that has landed up to here can't go on behind a gap: its ledger would have to jump. */
async function refuseGaps(owner: Connection, { topics }: ReplayPlan): Promise<void> {
  const landed = await nextOffsetsOf(
    owner,
    topics.map(({ name }) => name),
  );
  for (const { name, partitions } of topics) {
    for (const { partition, start } of partitions) {
      const next = landed.get(`${name}/${partition}`) ?? start;
      if (next >= start) continue;
      const what = `${name}/${partition} has landed up to offset ${next} here, the replay begins at ${start}`;
      throw refused(what, "Begin where it ended, or replay into another database.");
    }
  }
}

const refused = (message: string, next: string): TradetapeError =>
  new TradetapeError("replay_refused", message, { next });
