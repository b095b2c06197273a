import type { Config } from "../config.ts";
import type { FoundTopic } from "./log-client.ts";
import type { TopicLayout } from "./topic-layout.ts";
import { TOPICS, type TopicName } from "./topics.ts";

/** A topic's settings, by Kafka's names. */
export type TopicSettings = ReadonlyMap<string, string>;

/** A setting of a topic that a promise of the pipeline rests on. */
export interface Demand {
  /** Kafka's name of it. */
  readonly setting: string;
  /** What a new topic gets, and what one that differs should be given. */
  readonly value: string;
  /** Whether a topic that has `actual` keeps the promise, by exactly this value or by more. */
  readonly isMetBy: (actual: string | undefined) => boolean;
  /** What becomes of the promise otherwise, as the end of a sentence. */
  readonly why: string;
}

export const RETENTION = "retention.ms";
export const INSYNC = "min.insync.replicas";
const POLICY = "cleanup.policy";
/** What limits how long a topic keeps its events. */
const LIMITS = [RETENTION, "retention.bytes"];
const NO_LIMIT = "-1";
const HOUR_MS = 3_600_000;
/** Kafka compacts whole segments only, and never the one that is written to. */
const COMPACTED_SEGMENT_BYTES = 16 * 1024 * 1024;

/** What the pipeline relies on in a topic. Keeping events longer and taking larger messages is always right. */
export function demandsOn(topic: TopicName, config: Config, { retentionHours }: TopicLayout): readonly Demand[] {
  const { messageBytesMax, isCompacted = false } = TOPICS[topic];
  const policy = isCompacted ? "compact" : "delete";
  return [
    {
      setting: POLICY,
      value: policy,
      isMetBy: (actual) => actual === policy || (config.compactedTopics === "land" && isCompacting(actual)),
      why: isCompacted
        ? "snapshots would be deleted by their age"
        : "Kafka would remove events that were followed by others of their key",
    },
    {
      setting: "message.timestamp.type",
      value: "LogAppendTime",
      isMetBy: (actual) => actual === "LogAppendTime",
      why: "which of two revisions is the later one would be told by the clocks of their producers",
    },
    {
      setting: "max.message.bytes",
      value: String(messageBytesMax),
      isMetBy: (actual) => Number(actual) >= messageBytesMax,
      why: "batches of events may be as large, and would be refused",
    },
    limit(RETENTION, retentionHours === -1 ? NO_LIMIT : String(retentionHours * HOUR_MS)),
    // No limit by size, because a busy hour would shorten the time that the setting promises.
    limit("retention.bytes", NO_LIMIT),
  ];
}

const limit = (setting: string, value: string): Demand => ({
  setting,
  value,
  isMetBy: (actual) => !isShorter(actual, value),
  why: "events would be deleted that haven't landed or that programs rest on",
});

/** What a new topic is made with: what is demanded of it, its layout, and for a compacted one segments that are soon full. */
export function settingsOfNew(topic: TopicName, config: Config, layout: TopicLayout): Record<string, string> {
  const demanded = demandsOn(topic, config, layout).map(({ setting, value }) => [setting, value]);
  const { insyncReplicas } = layout;
  return {
    ...Object.fromEntries(demanded),
    ...(insyncReplicas === undefined ? {} : { [INSYNC]: String(insyncReplicas) }),
    ...(TOPICS[topic].isCompacted ? { "segment.bytes": String(COMPACTED_SEGMENT_BYTES) } : {}),
  };
}

/** Whether compaction may have removed records from the middle of the log. */
export const isCompactedBy = (settings: TopicSettings): boolean => isCompacting(settings.get(POLICY));

const isCompacting = (policy: string | undefined): boolean => policy?.includes("compact") ?? false;

/** Whether a demand is about how long events are kept, and the topic keeps them for a shorter time. */
export const isTooShort = ({ setting, value }: Demand, actual: TopicSettings): boolean =>
  LIMITS.includes(setting) && isShorter(actual.get(setting), value);

const isShorter = (actual: string | undefined, wanted: string): boolean =>
  actual !== NO_LIMIT && (wanted === NO_LIMIT || Number(actual) < Number(wanted));

/** How a topic of a cluster of several brokers may lose events that were acknowledged, or refuse all of them, as sentences. */
export function risksOf(found: FoundTopic, settings: TopicSettings, brokers: number): readonly string[] {
  if (brokers < 2) return [];
  const inSync = Number(settings.get(INSYNC));
  const risks: string[] = [];
  if (found.replicas < 2) risks.push("has 1 replica: its events are gone with that broker's disk");
  else if (inSync > found.replicas) {
    risks.push(`min.insync.replicas is ${inSync} with ${found.replicas} replicas: no event is ever acknowledged`);
  } else if (inSync < 2) {
    risks.push("min.insync.replicas is under 2: an acknowledged event may be on one broker only");
  }
  if (settings.get("unclean.leader.election.enable") === "true") {
    risks.push("unclean.leader.election.enable is true: a broker that lacks acknowledged events may come to lead");
  }
  return risks;
}
