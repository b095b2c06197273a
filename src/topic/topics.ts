import { SYSTEM_CLOCK } from "../clock.ts";
import type { Config } from "../config.ts";
import { TradetapeError } from "../errors.ts";
import type { FieldHolding } from "../event/identity.ts";
import type { EventTopic } from "../event/schemas.ts";
import type { LogAdmin } from "./log-client.ts";

export type TopicName = EventTopic | "dead-letters";

interface TopicDeclaration<F extends string | null> {
  /** The event's field whose text is the message key; null where there is one partition and no key. */
  readonly key: F;
  readonly partitions: number;
  readonly retention: "for ever" | "by setting";
  /** What the topic takes as one batch, in bytes. */
  readonly messageBytesMax: number;
}

const MIB = 1024 * 1024;
const sourceTopic = <F extends string | null>(
  key: F,
  partitions: number,
  retention: "for ever" | "by setting",
): TopicDeclaration<F> => ({ key, partitions, retention, messageBytesMax: 4 * MIB });

/** What may be a topic's key: a field in which each of its events has a text, or nothing. A letter has no fields. */
type Key<T extends TopicName> = (T extends EventTopic ? FieldHolding<string, T> : never) | null;

/** Every topic. A letter holds its event's bytes and coordinates, so its topic takes twice as much. */
export const TOPICS: { readonly [T in TopicName]: TopicDeclaration<Key<T>> } = {
  symbols: sourceTopic("symbol_id", 1, "for ever"),
  sessions: sourceTopic("backtest_session_id", 1, "for ever"),
  ticks: sourceTopic("symbol_id", 4, "by setting"),
  quotes: sourceTopic("symbol_id", 4, "by setting"),
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

/** A topic's settings that the pipeline relies on, by Kafka's names. */
function settingsOf(topic: TopicName, config: Config): Record<string, string> {
  const { retention, messageBytesMax } = TOPICS[topic];
  const hours = retention === "for ever" ? -1 : config.topicRetentionHours;
  return {
    [POLICY]: "delete",
    "message.timestamp.type": "LogAppendTime",
    "max.message.bytes": String(messageBytesMax),
    "retention.ms": String(hours === -1 ? -1 : hours * 3_600_000),
    // No limit by size, because a busy hour would shorten the time that the setting promises.
    "retention.bytes": "-1",
  };
}

/**
 * Creates the topics that are missing, with the broker's default replication, and waits until each partition has a
 * leader. A topic that exists is never changed, only compared.
 */
export async function createTopics(admin: LogAdmin, config: Config): Promise<TopicReport[]> {
  const before = await checkTopics(admin, config);
  const missing = before.filter((report) => report.state === "missing");
  if (missing.length === 0) return before;
  await admin.createTopics(
    missing.map(({ topic, name }) => ({
      topicName: name,
      partitions: TOPICS[topic].partitions,
      settings: settingsOf(topic, config),
    })),
  );
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

async function waitForLeaders(admin: LogAdmin, names: readonly string[]): Promise<void> {
  const deadline = performance.now() + LEADER_WAIT_MS;
  for (;;) {
    const found = await admin.fetchTopics();
    const unready = names.filter((name) => !found.get(name)?.isReady);
    if (unready.length === 0) return;
    if (performance.now() > deadline) {
      const message = `no leader within ${LEADER_WAIT_MS / 1000} s for ${unready.join(", ")}`;
      throw new TradetapeError("broker_unreachable", message, { canRetry: true, next: "Look at the brokers' logs." });
    }
    await SYSTEM_CLOCK.sleep(LEADER_POLL_MS);
  }
}

/** How many partitions a topic has. @param name the full name @throws TradetapeError topic_missing */
export async function fetchPartitionCount(admin: LogAdmin, name: string): Promise<number> {
  const found = (await admin.fetchTopics()).get(name);
  if (found !== undefined) return found.partitions;
  throw new TradetapeError("topic_missing", `missing: ${name}`, { next: CREATE_TOPICS });
}

/** Compares every topic with its declaration, in the order of TOPICS. Changes nothing. */
export async function checkTopics(admin: LogAdmin, config: Config): Promise<TopicReport[]> {
  const found = await admin.fetchTopics();
  const named = TOPIC_NAMES.map((topic) => ({ topic, name: topicName(config.namespace, topic) }));
  const settings = await admin.fetchSettings(named.map(({ name }) => name).filter((name) => found.has(name)));
  return named.map(({ topic, name }) => {
    const actual = settings.get(name);
    const partitions = found.get(name)?.partitions ?? 0;
    if (actual === undefined) return { topic, name, state: "missing", partitions, isCompacted: false, differences: [] };
    const differences = compare(topic, partitions, actual, config);
    const state = differences.length === 0 ? "good" : "misconfigured";
    return { topic, name, state, partitions, isCompacted: isCompacted(actual), differences };
  });
}

const isCompacted = (settings: ReadonlyMap<string, string>): boolean =>
  settings.get(POLICY)?.includes("compact") ?? false;

function compare(topic: TopicName, partitions: number, actual: ReadonlyMap<string, string>, config: Config): string[] {
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
