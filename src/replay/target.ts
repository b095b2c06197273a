import type { Consumer } from "../batch/consumer.ts";
import { TradetapeError } from "../errors.ts";
import { landedPlaces } from "../table/checks/landed-places.ts";
import { Connection } from "../table/connection.ts";
import { addressOf } from "../table/database-url.ts";
import { couldBeMade, migrate } from "../table/migrate.ts";
import { tablesOf } from "../table/rows/landing-table.ts";
import { takeTurnIfFree } from "../table/turn.ts";
import { beginRun, finishedRuns, type ReplayRun, tablesInUse, unfinishedRun } from "../table/upkeep/replay-run.ts";
import type { ReplayResult } from "./replay.ts";
import { FIRST, planDigest, type ReplayPlan } from "./replay-plan.ts";

/** Topics that are served whole, whatever sessions and window a replay is of. */
const UNFILTERED: readonly string[] = [...FIRST, "audit"];

/** How a target may be used. */
interface TargetOptions {
  /** Only go on with a replay that was begun. */
  readonly resume: boolean;
  /** Land beside rows that are there. */
  readonly add: boolean;
}

/** A session of the target's owner, while no other replay gets in. */
interface Target {
  readonly owner: Connection;
  close(): Promise<void>;
}

/**
 * Opens the target as its owner, brings it to the newest shape, and keeps other replays out of it until it is closed.
 * @throws TradetapeError database_unreachable, not_migrated, replay_refused
 */
export async function openTarget(databaseUrl: string): Promise<Target> {
  await migrate(databaseUrl);
  return lockedTarget(databaseUrl);
}

async function lockedTarget(databaseUrl: string): Promise<Target> {
  const turn = await takeTurnIfFree(databaseUrl, "replay_turn");
  if (turn !== undefined) {
    try {
      const owner = await Connection.open(databaseUrl, { name: "replay", role: "tradetape_owner" });
      return { owner, close: () => owner.close().finally(() => turn.end()) };
    } catch (error) {
      await turn.end();
      throw error;
    }
  }
  throw new TradetapeError("replay_refused", `another replay into ${addressOf(databaseUrl)} is running`, {
    canRetry: true,
    next: "Wait for it, or stop it first: it can be resumed.",
  });
}

/**
 * Looks at a target as `openTarget` and `beginOrResume` do, and changes nothing.
 * @returns the run that they would go on with, undefined where they would begin one
 * @throws TradetapeError what they would throw
 */
export async function inspectTarget(
  databaseUrl: string,
  plan: ReplayPlan,
  all: readonly Consumer[],
  options: TargetOptions,
): Promise<ReplayRun<ReplayPlan> | undefined> {
  if (await couldBeMade(databaseUrl)) {
    if (options.resume) throw nothingToResume();
    return undefined;
  }
  const target = await lockedTarget(databaseUrl);
  try {
    return (await lookAt(target.owner, plan, all, options)).before;
  } finally {
    await target.close();
  }
}

/**
 * The run to go on with: the one that this target has not finished, when it is of the same plan, else a new one.
 * @throws TradetapeError replay_refused
 */
export async function beginOrResume(
  owner: Connection,
  plan: ReplayPlan,
  all: readonly Consumer[],
  options: TargetOptions,
): Promise<{ readonly run: ReplayRun<ReplayPlan>; readonly isResumed: boolean }> {
  const { before, used } = await lookAt(owner, plan, all, options);
  if (before !== undefined) return { run: before, isResumed: true };
  const topics = plan.topics.map(({ name }) => name);
  const run = { planDigest: planDigest(plan), plan, whole: plan.whole, topics };
  const empty = used.length === 0 ? all.flatMap(({ landing }) => tablesOf(landing)) : [];
  return { run: await beginRun(owner, run, empty), isResumed: false };
}

/**
 * What a replay would meet in a target: the run to go on with, else the tables that hold rows.
 * @throws TradetapeError replay_refused
 */
async function lookAt(
  owner: Connection,
  plan: ReplayPlan,
  all: readonly Consumer[],
  { resume, add }: TargetOptions,
): Promise<{ readonly before: ReplayRun<ReplayPlan> | undefined; readonly used: readonly string[] }> {
  const before = await unfinishedRun<ReplayPlan>(owner);
  if (before !== undefined) {
    if (before.planDigest === planDigest(plan)) return { before, used: [] };
    throw refused("the target has an unfinished replay of another plan", "Resume that one by its own flags first.");
  }
  if (resume) throw nothingToResume();
  const used = await tablesInUse(
    owner,
    all.flatMap(({ landing }) => tablesOf(landing)),
  );
  if (used.length > 0 && !add) {
    const next = "Give a fresh database; or --add, to land beside what is there.";
    throw refused(`the target holds what no replay of this plan wrote: ${used.join(", ")}`, next);
  }
  await refuseGaps(owner, plan, all);
  return { before, used };
}

const nothingToResume = (): TradetapeError =>
  refused("there is no unfinished replay to resume", "Leave --resume away to begin one.");

/**
 * Refuses a replay that asks for records which can't land in this target any more: a partition's ledger never goes back and
 * never jumps. Such a replay would leave out what lies below the ledger's origin, beyond its end, or was left out within it
 * by an earlier replay, and would end well.
 */
async function refuseGaps(
  owner: Connection,
  { topics, ...asked }: ReplayPlan,
  all: readonly Consumer[],
): Promise<void> {
  const landed = new Map((await landedPlaces(owner)).map((place) => [`${place.topic}/${place.partition}`, place]));
  const runs = await finishedRuns<ReplayPlan, ReplayResult>(owner);
  for (const { topic, name, partitions } of topics) {
    const isChild = all.some((consumer) => consumer.topic === topic && consumer.landing.parents.length > 0);
    for (const { partition, start, end } of partitions) {
      const place = landed.get(`${name}/${partition}`);
      if (place === undefined || start === end) continue;
      const { origin, nextOffset } = place;
      const holds = `${name}/${partition} holds offsets ${origin} to ${nextOffset} here, the replay begins at ${start}`;
      if (nextOffset < start) throw refused(holds, "Begin where it ended, or replay into another database.");
      if (origin > start)
        throw refused(holds, `Begin at an offset from ${origin} on, or replay into another database.`);
      const before = runs.find(({ plan, result }) => {
        const own = plan.topics.find((one) => one.name === name)?.partitions.find((one) => one.partition === partition);
        const isPassed = own !== undefined && own.start < own.end && start < own.end;
        return isPassed && leavesOut({ ...plan, topic }, asked, isChild && result.outsideWindow > 0);
      });
      if (before === undefined) continue;
      const what = `the replay ${before.runId} left records out of ${name}/${partition}, which don't land any more`;
      throw refused(what, "Replay into another database: one that is asked for all of it at once has it all.");
    }
  }
}

/** Whether a replay passed over records that another one asks for. */
function leavesOut(
  before: Pick<ReplayPlan, "sessions" | "kinds"> & { readonly topic: string },
  asked: Pick<ReplayPlan, "sessions" | "kinds">,
  hasGivenUp: boolean,
): boolean {
  if (UNFILTERED.includes(before.topic)) return false;
  const isOfOthers = before.sessions !== "all" && JSON.stringify(before.sessions) !== JSON.stringify(asked.sessions);
  return isOfOthers || hasGivenUp || asked.kinds.some((kind) => !before.kinds.includes(kind));
}

const refused = (message: string, next: string): TradetapeError =>
  new TradetapeError("replay_refused", message, { next });
