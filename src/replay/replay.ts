import { availableParallelism } from "node:os";
import type { Consumer } from "../batch/consumer.ts";
import type { LandingMeter } from "../batch/meter.ts";
import { type LandingServices, openLandingServices } from "../batch/run/landing-services.ts";
import type { Config } from "../config.ts";
import { TradetapeError } from "../errors.ts";
import { DAY_MS } from "../event/day.ts";
import type { Log } from "../log.ts";
import { OTHER_SESSIONS } from "../settings/sessions.ts";
import type { Connection } from "../table/connection.ts";
import { tablesOf } from "../table/rows/landing-table.ts";
import {
  givenUp,
  type LoadedTopic,
  loadedTopics,
  noteCounts,
  noteResult,
  noteState,
  REPLAY_STATES,
  type ReplayRun,
  type ReplayState,
} from "../table/upkeep/replay-run.ts";
import { analyze, type IndexProgress } from "../table/upkeep/secondary-indexes.ts";
import type { Finding } from "../verify/ledger.ts";
import { verify } from "../verify/verify.ts";
import type { Speed } from "./bounds.ts";
import { buildIndexes } from "./build-indexes.ts";
import { load } from "./load.ts";
import { publishReplayEntry } from "./publish-replay-entry.ts";
import { type ReplayPlan, termsOf } from "./replay-plan.ts";
import { settle } from "./settle.ts";
import { type TopicProgress, Watch } from "./watch.ts";

/** Who looks on. */
export interface Onlooker {
  /** What is begun now, as a sentence, and what the state is called. */
  phase(state: ReplayState, text: string): void;
  topics(progress: readonly TopicProgress[]): void;
  index(name: string, progress: IndexProgress): void;
}

interface ReplayOptions {
  readonly run: ReplayRun<ReplayPlan>;
  readonly consumers: readonly Consumer[];
  /** Every consumer there is: what `verify` looks at. */
  readonly all: readonly Consumer[];
  readonly speed: Speed;
  readonly actor: string;
  readonly stop: AbortSignal;
  readonly force: AbortSignal;
  readonly onlooker: Onlooker;
  /** Where landings are measured. */
  readonly meter?: LandingMeter | undefined;
}

/** What a replay came to. Counts are of records since it began, as the target's ledger has them. */
export interface ReplayResult {
  readonly runId: string;
  /** Who ran it. */
  readonly actor: string;
  readonly whole: boolean;
  readonly topics: readonly LoadedTopic[];
  /** Letters of events whose parents are nowhere in the topics. */
  readonly missingParent: number;
  /** Events that were filtered because a parent lies outside what was replayed. */
  readonly outsideWindow: number;
  readonly ok: boolean;
  readonly problems: readonly Finding[];
  readonly warnings: readonly Finding[];
}

const COUNTS_MS = 2000;
/** A hundred years, so that no parked event is given up while the replay loads. */
const PARK_DEADLINE_MS = 100 * 365 * DAY_MS;

/**
 * Runs a replay from the state that it is in to its end. Each state can be cut off at any moment and begun again, because
 * the ledger says what has landed, `parked_event` what waits, the catalog which indexes are there, and the audit entry has
 * the same id whenever it is published.
 * @param owner a session of the target's owner
 * @returns undefined when it was stopped before all had landed and every index was built
 * @throws TradetapeError what ended a group, history_lost, database_unreachable
 */
export async function replay(
  owner: Connection,
  config: Config,
  log: Log,
  options: ReplayOptions,
): Promise<ReplayResult | undefined> {
  const services = await openReplayServices(config, log);
  try {
    return await runStates(owner, { ...services, meter: options.meter }, options);
  } finally {
    await services.close();
  }
}

/** Opens services whose commits don't wait for the disk: what a crashed server loses of them is landed again, by the ledger. */
async function openReplayServices(config: Config, log: Log): Promise<LandingServices> {
  // As many as there are processors, where the process may have so many sessions.
  const most = config.databaseSessionsMax - OTHER_SESSIONS - 1;
  const settings = {
    ...config,
    landingConnections: Math.max(config.landingConnections, Math.min(availableParallelism(), most)),
    parkDeadlineMs: PARK_DEADLINE_MS,
    parkedEventsMax: Number.MAX_SAFE_INTEGER,
  };
  return openLandingServices(settings, log, { commitsLate: true });
}

async function runStates(
  owner: Connection,
  services: LandingServices,
  options: ReplayOptions,
): Promise<ReplayResult | undefined> {
  const { run, onlooker, stop } = options;
  const { plan } = run;
  const isPast = (state: ReplayState) => REPLAY_STATES.indexOf(run.state) > REPLAY_STATES.indexOf(state);
  const enter = async (state: ReplayState, text: string) => {
    await noteState(owner, run.runId, state);
    onlooker.phase(state, text);
  };
  if (plan.clusterId !== services.clusterId) throw anotherCluster(plan.clusterId, services.clusterId);
  if (!isPast("loading")) {
    onlooker.phase("loading", "loading");
    if (!(await loadAll(owner, services, options))) return undefined;
  }
  if (stop.aborted) return undefined;
  if (!isPast("settling")) {
    await enter("settling", "releasing what waited for its parents");
    await settle(
      services,
      options.consumers,
      termsOf(plan, undefined),
      plan.whole ? "missing_parent" : "outside_window",
    );
  }
  if (!isPast("indexing")) {
    await enter("indexing", `building ${run.indexes.length} indexes, and statistics for the planner`);
    await buildIndexes(owner, services.questions, run.indexes, stop, onlooker.index);
    if (stop.aborted) return undefined;
    await analyze(
      owner,
      options.consumers.flatMap(({ landing }) => tablesOf(landing)),
    );
  }
  const topics = plan.topics.map(({ name }) => name);
  const loaded = await loadedTopics(owner, topics, run.startedAt);
  const counts = plan.topics.map(({ topic }, n) => ({ ...loaded[n]!, topic }));
  await enter("verifying", "verifying");
  const { ok, problems, warnings } = await verify(owner, options.all, { quiet: run.indexes.length > 0 });
  const lost = await givenUp(owner, topics, run.startedAt);
  const { runId, whole } = run;
  await noteCounts(owner, runId, counts);
  const found = { runId, actor: options.actor, whole, topics: counts, ...lost, ok, problems, warnings };
  const { result, finishedUs } = await noteResult<ReplayResult>(owner, runId, found);
  await publishReplayEntry(services, run, result, finishedUs);
  await enter("finished", "finished");
  return result;
}

async function loadAll(owner: Connection, services: LandingServices, options: ReplayOptions): Promise<boolean> {
  const { run, consumers, speed, stop, force, onlooker } = options;
  const watch = new Watch(services, run.plan);
  let notedMs = Date.now();
  let noting = Promise.resolve();
  const saw = (progress: readonly TopicProgress[]) => {
    onlooker.topics(progress);
    if (Date.now() - notedMs < COUNTS_MS) return;
    notedMs = Date.now();
    noting = noting.then(() => noteCounts(owner, run.runId, progress));
    noting.catch(() => undefined);
  };
  const isDone = await load({ services, owner, plan: run.plan, consumers, speed, watch, stop, force, saw });
  await noting;
  await noteCounts(owner, run.runId, watch.progress());
  return isDone;
}

const anotherCluster = (planned: string, found: string): TradetapeError =>
  new TradetapeError("replay_refused", `the replay began on the Kafka cluster ${planned}, and this is ${found}`, {
    next: "Set KAFKA_BROKERS to the cluster that it began on.",
  });
