import { type Config, requireServices } from "../config.ts";
import { TradetapeError } from "../errors.ts";
import type { FoundTopic, LogAdmin } from "./log-client.ts";
import { layoutsBy, type TopicLayout } from "./topic-layout.ts";
import {
  type Demand,
  demandsOn,
  INSYNC,
  isCompactedBy,
  isTooShort,
  RETENTION,
  risksOf,
  type TopicSettings,
} from "./topic-settings.ts";
import { CREATE_TOPICS, TOPIC_NAMES, type TopicName, topicName } from "./topics.ts";

/** What is true of one topic on the cluster. */
export interface TopicReport {
  readonly topic: TopicName;
  /** The full name. */
  readonly name: string;
  /**
   * "lengthened" is a topic that kept its events for too short a time, and was told to keep them longer; "narrow" one that
   * breaks no promise and has less than its layout says.
   */
  readonly state: "created" | "lengthened" | "good" | "narrow" | "missing" | "misconfigured";
  /** How many partitions it has; 0 when it is missing. */
  readonly partitions: number;
  /** Whether compaction may have removed records from the middle of its log. */
  readonly isCompacted: boolean;
  /** For how long it keeps events, in milliseconds: -1 is for ever; null when it is missing. */
  readonly retentionMs: number | null;
  /** What breaks a promise, each as a sentence: what it has, what it should have, and why. */
  readonly differences: readonly string[];
  /** Where it has less than its layout says, each as a sentence. */
  readonly lacks: readonly string[];
  /** What a cluster of several brokers may lose of it, each as a sentence. */
  readonly risks: readonly string[];
  /** What mends all of that, a command a line; null where nothing is to be mended. */
  readonly mend: string | null;
}

/**
 * Compares topics with their declarations: each has to have what a promise rests on, and may have more of it. Changes
 * nothing.
 * @returns a report for each, in their order
 * @throws TradetapeError acl_missing; file_unusable for the topics file
 */
export async function checkTopics(
  admin: LogAdmin,
  config: Config,
  topics: readonly TopicName[] = TOPIC_NAMES,
): Promise<TopicReport[]> {
  const layoutOf = layoutsBy(config);
  const found = await admin.fetchTopics();
  const named = topics.map((topic) => ({ topic, name: topicName(config.namespace, topic) }));
  const absent = named.flatMap(({ name }) => (found.has(name) ? [] : [name]));
  if (absent.length > 0) await admin.requireVisible(absent);
  const settings = await admin.fetchSettings(named.map(({ name }) => name).filter((name) => found.has(name)));
  const { brokers } = await admin.fetchCluster();
  return named.map(({ topic, name }) => {
    const [there, actual] = [found.get(name), settings.get(name)];
    if (there === undefined || actual === undefined) return missing(topic, name);
    return compare({ topic, name, there, actual, brokers, layout: layoutOf(topic) }, config);
  });
}

const missing = (topic: TopicName, name: string): TopicReport => ({
  topic,
  name,
  state: "missing",
  partitions: 0,
  isCompacted: false,
  retentionMs: null,
  differences: [],
  lacks: [],
  risks: [],
  mend: null,
});

interface Subject {
  readonly topic: TopicName;
  readonly name: string;
  readonly there: FoundTopic;
  readonly actual: TopicSettings;
  readonly brokers: number;
  readonly layout: TopicLayout;
}

function compare(subject: Subject, config: Config): TopicReport {
  const { topic, name, there, actual, brokers, layout } = subject;
  const wrong = demandsOn(topic, config, layout).filter(({ setting, isMetBy }) => !isMetBy(actual.get(setting)));
  const lacks = lacksOf(subject, config);
  const mends = [...(wrong.length > 0 ? [mendOf(config, name, wrong, actual)] : []), ...lacks.map(({ mend }) => mend)];
  const sound = lacks.length === 0 ? "good" : "narrow";
  return {
    topic,
    name,
    state: wrong.length === 0 ? sound : "misconfigured",
    partitions: there.partitions,
    isCompacted: isCompactedBy(actual),
    retentionMs: Number(actual.get(RETENTION)),
    differences: wrong.map(
      ({ setting, value, why }) => `${setting} is ${actual.get(setting)}, should be ${value}: ${why}`,
    ),
    lacks: lacks.map(({ text }) => text),
    risks: risksOf(there, actual, brokers),
    mend: mends.length === 0 ? null : mends.join("\n"),
  };
}

/** Where a topic has less than its layout says, and what gives it as much: nothing breaks by it, so landing goes on. */
function lacksOf({ name, there, actual, layout }: Subject, config: Config): { text: string; mend: string }[] {
  const { partitions, replicas = 1, insyncReplicas = 1 } = layout;
  const [insync, lacks] = [Number(actual.get(INSYNC)), [] as { text: string; mend: string }[]];
  if (there.partitions < partitions) {
    const mend = kafkaTool(config, "kafka-topics.sh", `--topic ${name} --partitions ${partitions}`);
    lacks.push({ text: `has ${there.partitions} partitions, should have ${partitions}`, mend });
  }
  if (there.replicas < replicas) {
    const mend = `Have Kafka's own \`kafka-reassign-partitions.sh\` keep each partition of ${name} on ${replicas} brokers.`;
    lacks.push({ text: `has ${there.replicas} replicas, should have ${replicas}`, mend });
  }
  if (insync < insyncReplicas) {
    const mend = alterSettings(config, name, `${INSYNC}=${insyncReplicas}`);
    lacks.push({ text: `${INSYNC} is ${insync}, should be ${insyncReplicas}`, mend });
  }
  return lacks;
}

/** Keeping events longer loses nothing, so our own command does that. All else is for Kafka's, and for somebody to mean it. */
function mendOf(config: Config, name: string, wrong: readonly Demand[], actual: TopicSettings): string {
  if (wrong.every((demand) => isTooShort(demand, actual))) {
    return "Run `tradetape topics --create`: it has topics keep their events longer.";
  }
  const settings = wrong.map(({ setting, value }) => `${setting}=${value}`).join(",");
  return alterSettings(config, name, settings);
}

const alterSettings = (config: Config, name: string, settings: string): string =>
  kafkaTool(config, "kafka-configs.sh", `--entity-type topics --entity-name ${name} --add-config ${settings}`);

/** A command of Kafka's own that changes something on the cluster of the settings in force. */
function kafkaTool(config: Config, program: string, change: string): string {
  const brokers = requireServices(config, "kafkaBrokers").kafkaBrokers.join(",");
  const command = `Run Kafka's own \`${program} --bootstrap-server ${brokers} --alter ${change}\``;
  const asksForMore = config.kafkaSsl || config.kafkaSaslMechanism !== undefined;
  return `${command}${asksForMore ? ", with --command-config and a file that has TLS and login for Kafka's tools" : ""}.`;
}

/** @throws TradetapeError topic_missing or topic_misconfigured that names each topic that isn't as declared */
export function requireGoodTopics(reports: readonly TopicReport[]): void {
  const absent = reports.filter(({ state }) => state === "missing").map(({ name }) => name);
  if (absent.length > 0) {
    throw new TradetapeError("topic_missing", `missing: ${absent.join(", ")}`, { next: CREATE_TOPICS });
  }
  const wrong = reports.filter(({ state }) => state === "misconfigured");
  if (wrong.length > 0) {
    const message = wrong.map(({ name, differences }) => `${name}: ${differences.join("; ")}`).join("\n");
    const ways = wrong.flatMap(({ mend }) => (mend === null ? [] : [mend]));
    const next = [...new Set(ways), "Or use another TRADETAPE_NAMESPACE."].join("\n");
    throw new TradetapeError("topic_misconfigured", message, { next });
  }
}
