import { SYSTEM_CLOCK } from "../clock.ts";
import type { Config } from "../config.ts";
import { TradetapeError } from "../errors.ts";
import type { LogAdmin } from "./log-client.ts";
import { CREATE_TOPICS, TOPIC_NAMES, TOPICS, type TopicName, topicName } from "./topics.ts";

/** What is true of one topic on the cluster. */
export interface TopicReport {
  readonly topic: TopicName;
  /** The full name. */
  readonly name: string;
  /** "lengthened" is a topic that kept its events for too short a time, and was told to keep them longer. */
  readonly state: "created" | "lengthened" | "good" | "missing" | "misconfigured";
  /** How many partitions it has; 0 when it is missing. */
  readonly partitions: number;
  /** Whether compaction may have removed records from the middle of its log. */
  readonly isCompacted: boolean;
  /** For how long it keeps events, in milliseconds: -1 is for ever; null when it is missing. */
  readonly retentionMs: number | null;
  /** Each as a sentence: what it has, what it should have. */
  readonly differences: readonly string[];
  /** The command that mends its settings; null where none does. */
  readonly mend: string | null;
}

const POLICY = "cleanup.policy";
const RETENTION = "retention.ms";
/** What limits how long a topic keeps its events: -1 is no limit. */
const LIMITS = [RETENTION, "retention.bytes"];
/** Kafka compacts whole segments only, and never the one that is written to. */
const COMPACTED_SEGMENT_BYTES = 16 * 1024 * 1024;

/** A topic's settings that the pipeline relies on, by Kafka's names. */
function settingsOf(topic: TopicName, config: Config): Record<string, string> {
  const { retention, messageBytesMax, isCompacted = false } = TOPICS[topic];
  const hours = retention === "for ever" ? -1 : config[retention];
  return {
    [POLICY]: isCompacted ? "compact" : "delete",
    "message.timestamp.type": "LogAppendTime",
    "max.message.bytes": String(messageBytesMax),
    [RETENTION]: String(hours === -1 ? -1 : hours * 3_600_000),
    // No limit by size, because a busy hour would shorten the time that the setting promises.
    "retention.bytes": "-1",
    ...(isCompacted ? { "segment.bytes": String(COMPACTED_SEGMENT_BYTES) } : {}),
  };
}

/**
 * Creates the topics that are missing, with the broker's default replication, and waits until each partition has a
 * leader. Of a topic that exists one thing is changed: where it keeps its events for a shorter time than it should, it
 * keeps them longer, because programs that read it would be left without its beginning.
 */
export async function createTopics(admin: LogAdmin, config: Config): Promise<TopicReport[]> {
  const before = await checkTopics(admin, config);
  const missing = before.filter((report) => report.state === "missing");
  if (missing.length > 0) {
    await admin.createTopics(
      missing.map(({ topic, name }) => ({
        topicName: name,
        partitions: TOPICS[topic].partitions,
        settings: settingsOf(topic, config),
      })),
    );
    await waitForLeaders(
      admin,
      missing.map(({ name }) => name),
    );
  }
  const lengthened = await lengthen(admin, config);
  if (missing.length === 0 && lengthened.length === 0) return before;
  const after = await checkTopics(admin, config);
  return after.map((report) => {
    if (report.state !== "good") return report;
    if (missing.some(({ name }) => name === report.name)) return { ...report, state: "created" };
    return lengthened.includes(report.name) ? { ...report, state: "lengthened" } : report;
  });
}

/** @returns the names of the topics whose events are kept longer now */
async function lengthen(admin: LogAdmin, config: Config): Promise<string[]> {
  const names = TOPIC_NAMES.map((topic) => topicName(config.namespace, topic));
  const actual = await admin.fetchSettings(names);
  const lengthened: string[] = [];
  for (const [n, topic] of TOPIC_NAMES.entries()) {
    const name = names[n]!;
    const wanted = settingsOf(topic, config);
    const short = LIMITS.filter((limit) => isShorter(actual.get(name)?.get(limit), wanted[limit]!));
    if (short.length === 0) continue;
    await admin.changeSettings(name, Object.fromEntries(short.map((limit) => [limit, wanted[limit]!])));
    lengthened.push(name);
  }
  return lengthened;
}

const isShorter = (actual: string | undefined, wanted: string): boolean =>
  actual !== undefined && actual !== "-1" && (wanted === "-1" || Number(actual) < Number(wanted));

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

/** Compares every topic with its declaration, in the order of TOPICS. Changes nothing. */
export async function checkTopics(admin: LogAdmin, config: Config): Promise<TopicReport[]> {
  const found = await admin.fetchTopics();
  const named = TOPIC_NAMES.map((topic) => ({ topic, name: topicName(config.namespace, topic) }));
  const settings = await admin.fetchSettings(named.map(({ name }) => name).filter((name) => found.has(name)));
  return named.map(({ topic, name }) => {
    const actual = settings.get(name);
    const partitions = found.get(name)?.partitions ?? 0;
    if (actual === undefined) {
      const nothing = { isCompacted: false, retentionMs: null, differences: [], mend: null };
      return { topic, name, state: "missing", partitions, ...nothing };
    }
    const wanted = TOPICS[topic].partitions;
    const others = partitions === wanted ? [] : [`has ${partitions} partitions, should have ${wanted}`];
    const wrong = wrongSettings(topic, actual, config);
    const differences = [...others, ...wrong.map(([key, value]) => `${key} is ${actual.get(key)}, should be ${value}`)];
    const state = differences.length === 0 ? "good" : "misconfigured";
    const retentionMs = Number(actual.get(RETENTION));
    const mend = wrong.length === 0 ? null : mendOf(name, wrong, actual);
    return { topic, name, state, partitions, isCompacted: isCompacted(actual), retentionMs, differences, mend };
  });
}

const isCompacted = (settings: ReadonlyMap<string, string>): boolean =>
  settings.get(POLICY)?.includes("compact") ?? false;

/** The settings that a topic should have and has not. */
function wrongSettings(topic: TopicName, actual: ReadonlyMap<string, string>, config: Config): [string, string][] {
  return Object.entries(settingsOf(topic, config)).filter(([key, value]) => {
    if (key === POLICY && isCompacted(actual) && config.compactedTopics === "land") return false;
    return actual.get(key) !== value;
  });
}

/** Keeping events longer loses nothing, so our own command does that. All else is for Kafka's, and for somebody to mean it. */
function mendOf(name: string, wrong: readonly [string, string][], actual: ReadonlyMap<string, string>): string {
  if (wrong.every(([key, value]) => LIMITS.includes(key) && isShorter(actual.get(key), value))) {
    return "Run `tradetape topics --create`: it has topics keep their events longer.";
  }
  const settings = wrong.map(([key, value]) => `${key}=${value}`).join(",");
  const of = `--entity-type topics --entity-name ${name}`;
  return `Run Kafka's own \`kafka-configs.sh --bootstrap-server HOST:PORT --alter ${of} --add-config ${settings}\`.`;
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
    const ways = wrong.flatMap(({ mend }) => (mend === null ? [] : [mend]));
    const next = [...new Set(ways), "Or use another TRADETAPE_NAMESPACE."].join("\n");
    throw new TradetapeError("topic_misconfigured", message, { next });
  }
}
