import { setTimeout as sleep } from "node:timers/promises";
import kafkajs, { type Admin } from "kafkajs";
import type { Config } from "../config.ts";
import { TradetapeError } from "../errors.ts";
import type { EventTopic } from "../event/schemas.ts";

export type TopicName = EventTopic | "dead-letters";

export interface TopicDeclaration {
  /** The event's field whose text is the message key; null where there is one partition and no key. */
  readonly key: string | null;
  readonly partitions: number;
  readonly retention: "for ever" | "by setting";
  /** What the topic takes as one batch, in bytes. */
  readonly messageBytesMax: number;
}

const MIB = 1024 * 1024;
const sourceTopic = (key: string | null, partitions: number, retention: TopicDeclaration["retention"]) =>
  ({ key, partitions, retention, messageBytesMax: 4 * MIB }) as const;

/** Every topic. A letter holds its event's bytes and coordinates, so its topic takes twice as much. */
export const TOPICS: Readonly<Record<TopicName, TopicDeclaration>> = {
  symbols: sourceTopic("symbol_id", 1, "for ever"),
  sessions: sourceTopic("backtest_session_id", 1, "for ever"),
  ticks: sourceTopic("symbol_id", 4, "by setting"),
  bars: sourceTopic("symbol_id", 4, "by setting"),
  indicators: sourceTopic("symbol_id", 4, "by setting"),
  predictions: sourceTopic("symbol_id", 4, "by setting"),
  decisions: sourceTopic("symbol_id", 4, "by setting"),
  fills: sourceTopic("symbol_id", 4, "by setting"),
  performance: sourceTopic("strategy_id", 1, "by setting"),
  audit: sourceTopic(null, 1, "for ever"),
  "dead-letters": { key: null, partitions: 1, retention: "for ever", messageBytesMax: 8 * MIB },
};

export const TOPIC_NAMES = Object.keys(TOPICS) as TopicName[];

/** A topic's full name on the cluster. @param namespace config.namespace; empty is none */
export function topicName(namespace: string, topic: TopicName): string {
  return namespace === "" ? topic : `${namespace}.${topic}`;
}

/** What is true of one topic on the cluster. */
export interface TopicReport {
  readonly topic: TopicName;
  /** The full name. */
  readonly name: string;
  readonly state: "created" | "good" | "missing" | "misconfigured";
  /** How many partitions it has; 0 when it is missing. */
  readonly partitions: number;
  /** Whether compaction may have removed records from the middle of its log. */
  readonly isCompacted: boolean;
  /** Each as a sentence: what it has, what it should have. */
  readonly differences: readonly string[];
}

const POLICY = "cleanup.policy";

/** The settings that the pipeline relies on, by Kafka's names. */
function settingsOf(topic: TopicName, config: Config): Record<string, string> {
  const { retention, messageBytesMax } = TOPICS[topic];
  const hours = retention === "for ever" ? -1 : config.topicRetentionHours;
  return {
    [POLICY]: "delete",
    "message.timestamp.type": "LogAppendTime",
    "max.message.bytes": String(messageBytesMax),
    "retention.ms": String(hours === -1 ? -1 : hours * 3_600_000),
    // By size nothing is ever removed: a busy hour must not shorten what the setting promises.
    "retention.bytes": "-1",
  };
}

/**
 * Creates the topics that are missing, with the broker's default replication, and waits until each partition has a
 * leader. A topic that exists is never changed, only compared.
 */
export async function createTopics(admin: Admin, config: Config): Promise<TopicReport[]> {
  const before = await checkTopics(admin, config);
  const missing = before.filter((report) => report.state === "missing");
  if (missing.length === 0) return before;
  const topics = missing.map(({ topic, name }) => ({
    topic: name,
    numPartitions: TOPICS[topic].partitions,
    configEntries: Object.entries(settingsOf(topic, config)).map(([key, value]) => ({ name: key, value })),
  }));
  // False says that another process made one of them just now: as good as ours, if its settings are.
  await admin.createTopics({ topics, waitForLeaders: false });
  const names = missing.map(({ name }) => name);
  await waitForLeaders(admin, names);
  const after = await checkTopics(admin, config);
  return after.map((report) =>
    report.state === "good" && names.includes(report.name) ? { ...report, state: "created" } : report,
  );
}

const CREATE_TOPICS = "Create the topics with `tradetape topics --create`.";
const LEADER_WAIT_MS = 30_000;
const LEADER_POLL_MS = 50;

/** kafkajs's own wait is skipped when one of several topics exists already, and ends at the first answer. */
async function waitForLeaders(admin: Admin, names: readonly string[]): Promise<void> {
  const deadline = performance.now() + LEADER_WAIT_MS;
  for (;;) {
    const found = await partitionCounts(admin);
    const unready = names.filter((name) => !found.get(name)?.isReady);
    if (unready.length === 0) return;
    if (performance.now() > deadline) {
      const message = `no leader within ${LEADER_WAIT_MS / 1000} s for ${unready.join(", ")}`;
      throw new TradetapeError("broker_unreachable", message, { canRetry: true, next: "Look at the brokers' logs." });
    }
    await sleep(LEADER_POLL_MS);
  }
}

interface FoundTopic {
  readonly partitions: number;
  readonly isReady: boolean;
}

/** All topics of the cluster: asking for one by name is an error when it isn't there, and may make it. */
async function partitionCounts(admin: Admin): Promise<Map<string, FoundTopic>> {
  const { topics } = await admin.fetchTopicMetadata();
  return new Map(
    topics.map(({ name, partitions }) => {
      const isReady = partitions.length > 0 && partitions.every(({ leader }) => leader >= 0);
      return [name, { partitions: partitions.length, isReady }];
    }),
  );
}

/** How many partitions a topic has. @param name the full name @throws TradetapeError topic_missing */
export async function fetchPartitionCount(admin: Admin, name: string): Promise<number> {
  const found = (await partitionCounts(admin)).get(name);
  if (found !== undefined) return found.partitions;
  throw new TradetapeError("topic_missing", `missing: ${name}`, { next: CREATE_TOPICS });
}

/** Compares every topic with its declaration, in the order of TOPICS. Changes nothing. */
export async function checkTopics(admin: Admin, config: Config): Promise<TopicReport[]> {
  const found = await partitionCounts(admin);
  const named = TOPIC_NAMES.map((topic) => ({ topic, name: topicName(config.namespace, topic) }));
  const settings = await fetchSettings(
    admin,
    named.map(({ name }) => name).filter((name) => found.has(name)),
  );
  return named.map(({ topic, name }) => {
    const actual = settings.get(name);
    const partitions = found.get(name)?.partitions ?? 0;
    if (actual === undefined) return { topic, name, state: "missing", partitions, isCompacted: false, differences: [] };
    const differences = compare(topic, partitions, actual, config);
    const state = differences.length === 0 ? "good" : "misconfigured";
    return { topic, name, state, partitions, isCompacted: isCompacted(actual), differences };
  });
}

const isCompacted = (settings: Map<string, string>): boolean => settings.get(POLICY)?.includes("compact") ?? false;

function compare(topic: TopicName, partitions: number, actual: Map<string, string>, config: Config): string[] {
  const differences: string[] = [];
  const wanted = TOPICS[topic].partitions;
  if (partitions !== wanted) differences.push(`has ${partitions} partitions, should have ${wanted}`);
  for (const [setting, value] of Object.entries(settingsOf(topic, config))) {
    const is = actual.get(setting);
    if (setting === POLICY && isCompacted(actual) && config.compactedTopics === "land") continue;
    if (is !== value) differences.push(`${setting} is ${is}, should be ${value}`);
  }
  return differences;
}

/** Settings by topic's full name, then by setting. */
async function fetchSettings(admin: Admin, names: readonly string[]): Promise<Map<string, Map<string, string>>> {
  if (names.length === 0) return new Map();
  const resources = names.map((name) => ({ type: kafkajs.ConfigResourceTypes.TOPIC, name }));
  const response = await admin.describeConfigs({ resources, includeSynonyms: false });
  return new Map(
    response.resources.map(({ resourceName, configEntries }) => [
      resourceName,
      new Map(configEntries.map(({ configName, configValue }) => [configName, configValue])),
    ]),
  );
}

/** @throws TradetapeError topic_missing or topic_misconfigured that names each topic that isn't as declared */
export function requireGoodTopics(reports: readonly TopicReport[]): void {
  const missing = reports.filter(({ state }) => state === "missing").map(({ name }) => name);
  if (missing.length > 0) {
    throw new TradetapeError("topic_missing", `missing: ${missing.join(", ")}`, { next: CREATE_TOPICS });
  }
  const wrong = reports.filter(({ state }) => state === "misconfigured");
  if (wrong.length > 0) {
    const message = wrong.map(({ name, differences }) => `${name}: ${differences.join("; ")}`).join("\n");
    const next = "Change the settings with Kafka's own tools, or use another TRADETAPE_NAMESPACE.";
    throw new TradetapeError("topic_misconfigured", message, { next });
  }
}
