import { createHash } from "node:crypto";
import type { Consumer } from "../batch/consumer.ts";
import { EventFilter, type SessionKind, type Sessions } from "../batch/encode/event-filter.ts";
import type { Pace, ReplayTerms } from "../batch/group/replay-terms.ts";
import type { Config } from "../config.ts";
import { TradetapeError } from "../errors.ts";
import type { EventTopic } from "../event/schemas.ts";
import type { LogAdmin } from "../topic/log-client.ts";
import type { PartitionOffsets } from "../topic/offsets.ts";
import { topicName } from "../topic/topics.ts";
import type { Bound } from "./bounds.ts";

/** What somebody asks to be replayed. */
export interface ReplayRequest {
  readonly consumers: readonly Consumer[];
  readonly from: Bound;
  readonly until: Bound;
  readonly sessions: Sessions;
}

/** One partition: what its log held when the plan was made, and the offsets [start, end) of it that are replayed. */
interface PlannedPartition {
  readonly partition: number;
  readonly logStart: number;
  readonly logEnd: number;
  readonly start: number;
  readonly end: number;
}

export interface PlannedTopic {
  readonly topic: EventTopic;
  /** The full name. */
  readonly name: string;
  readonly partitions: readonly PlannedPartition[];
}

/** What a replay lands, fixed when it is planned: what is published afterwards is no part of it. */
export interface ReplayPlan {
  readonly clusterId: string;
  readonly from: Bound;
  readonly until: Bound;
  readonly sessions: Sessions;
  readonly kinds: readonly SessionKind[];
  /** Whether the plan has everything: all topics, from beginning to end, of every session. */
  readonly whole: boolean;
  readonly topics: readonly PlannedTopic[];
}

/** Topics that every other one may point at: they are replayed first and whole, whatever part of the others is asked for. */
export const FIRST: readonly EventTopic[] = ["symbols", "sessions"];

/**
 * Looks up which offsets a request means. The ends of children's topics are read before those of their parents, so that a
 * child within the plan has its parent within it, too, even while producers publish.
 * @param all every consumer there is
 * @throws TradetapeError input_invalid, topic_missing, broker_unreachable
 */
export async function makeReplayPlan(
  admin: LogAdmin,
  config: Pick<Config, "namespace" | "sessionKinds">,
  request: ReplayRequest,
  all: readonly Consumer[],
): Promise<ReplayPlan> {
  const { from, until, sessions, consumers } = request;
  refuseBackwards(from, until);
  const topics: PlannedTopic[] = [];
  for (const { topic } of [...consumers].reverse()) {
    const name = topicName(config.namespace, topic);
    const log = await admin.fetchOffsets(name);
    const isCut = !FIRST.includes(topic);
    const starts = isCut ? await offsetsAt(admin, name, topic, from) : undefined;
    const ends = isCut ? await offsetsAt(admin, name, topic, until) : undefined;
    topics.unshift({ topic, name, partitions: log.map((one) => plannedPartition(one, starts, ends)) });
  }
  refuseUnplanned(topics, from, until);
  const isWhole = from.kind === "edge" && until.kind === "edge" && sessions === "all";
  return {
    clusterId: (await admin.fetchCluster()).clusterId,
    from,
    until,
    sessions,
    kinds: config.sessionKinds,
    whole: isWhole && all.every(({ topic }) => topics.some((planned) => planned.topic === topic)),
    topics,
  };
}

/** The offset that a bound means per partition; undefined where it means the log's edge. */
async function offsetsAt(admin: LogAdmin, name: string, topic: EventTopic, bound: Bound) {
  if (bound.kind === "edge") return undefined;
  if (bound.kind === "time") return admin.fetchOffsetsAt(name, bound.ms);
  const own = Object.entries(bound.at).filter(([place]) => place.startsWith(`${topic}/`));
  return new Map(own.map(([place, offset]) => [Number(place.slice(topic.length + 1)), offset]));
}

function plannedPartition(
  { partition, low, high }: PartitionOffsets,
  starts: ReadonlyMap<number, number> | undefined,
  ends: ReadonlyMap<number, number> | undefined,
): PlannedPartition {
  const start = Math.min(Math.max(starts?.get(partition) ?? low, low), high);
  const end = Math.max(start, Math.min(ends?.get(partition) ?? high, high));
  return { partition, logStart: low, logEnd: high, start, end };
}

/** Refuses a window that ends before it begins: it holds nothing, and a replay of nothing would end well. */
function refuseBackwards(from: Bound, until: Bound): void {
  const isTime = from.kind === "time" && until.kind === "time" && until.ms <= from.ms;
  const places = from.kind === "offsets" && until.kind === "offsets" ? Object.entries(from.at) : [];
  const place = places.find(([name, start]) => until.kind === "offsets" && (until.at[name] ?? start) < start);
  if (!isTime && place === undefined) return;
  throw new TradetapeError("input_invalid", `--until lies before --from${place ? ` in ${place[0]}` : ""}`, {
    next: "Exchange them: --from is the first that is replayed, --until the first that isn't any more.",
  });
}

/** Refuses an offset for a partition that isn't in the plan, because it would bound nothing. */
function refuseUnplanned(topics: readonly PlannedTopic[], ...bounds: readonly Bound[]): void {
  const known = new Set(
    topics.flatMap(({ topic, partitions }) =>
      FIRST.includes(topic) ? [] : partitions.map(({ partition }) => `${topic}/${partition}`),
    ),
  );
  const unplanned = bounds.flatMap((bound) =>
    bound.kind === "offsets" ? Object.keys(bound.at).filter((place) => !known.has(place)) : [],
  );
  if (unplanned.length === 0) return;
  throw new TradetapeError("input_invalid", `no partition ${unplanned.join(", ")} is replayed by this plan`, {
    next: "Symbols and sessions are always replayed whole; of the others, name partitions that there are.",
  });
}

/** A digest of what was asked, by which a run is found again; not of the offsets, which another look may find changed. */
export function planDigest(plan: ReplayPlan): string {
  const { clusterId, from, until, sessions, kinds, topics } = plan;
  const asked = { clusterId, from, until, sessions, kinds: [...kinds].sort(), topics: topics.map(({ name }) => name) };
  return createHash("sha256").update(JSON.stringify(asked)).digest("hex");
}

/** The terms of a replay's groups. */
export function termsOf(plan: ReplayPlan, pace: Pace | undefined): ReplayTerms {
  const planned = (topic: EventTopic) => plan.topics.find((one) => one.topic === topic)?.partitions ?? [];
  const { from, until, kinds, sessions } = plan;
  const window = {
    fromMs: from.kind === "time" ? from.ms : Number.NEGATIVE_INFINITY,
    untilMs: until.kind === "time" ? until.ms : Number.POSITIVE_INFINITY,
  };
  return {
    pace,
    rangesOf: (topic) => planned(topic).map(({ partition, start, end }) => ({ partition, low: start, high: end })),
    filterOf: (topic) => new EventFilter(kinds, sessions, FIRST.includes(topic) ? undefined : window),
    within: (topic, log) => {
      const range = planned(topic).find(({ partition }) => partition === log.partition);
      if (range === undefined) return log;
      if (log.high < range.end) throw endLost(topic, log, range.end);
      return { partition: log.partition, low: Math.max(log.low, range.start), high: range.end };
    },
  };
}

const endLost = (topic: EventTopic, { partition, high }: PartitionOffsets, end: number): TradetapeError =>
  new TradetapeError(
    "history_lost",
    `${topic}/${partition}: the replay goes to offset ${end}, the log ends at ${high}`,
    {
      next: "The topic was made again, or lost its end, since the replay began: begin anew with a fresh database.",
    },
  );
