import type { Config } from "../config.ts";
import { TradetapeError } from "../errors.ts";
import { checkTopics } from "./check-topics.ts";
import type { LogAdmin } from "./log-client.ts";
import { layoutsBy } from "./topic-layout.ts";
import { demandsOn, isTooShort, settingsOfNew } from "./topic-settings.ts";
import type { TopicName } from "./topics.ts";

/** What `topics --create` would do of one topic, or leaves to somebody. */
export type TopicChange = { readonly topic: TopicName; readonly name: string } & (
  | {
      readonly action: "create";
      readonly partitions: number;
      /** null leaves that to the broker. */
      readonly replicas: number | null;
      /** By Kafka's names. */
      readonly settings: Readonly<Record<string, string>>;
    }
  | {
      /** It has it keep its events longer. */
      readonly action: "lengthen";
      readonly from: Readonly<Record<string, string>>;
      readonly settings: Readonly<Record<string, string>>;
    }
  | {
      readonly action: "by hand";
      /** What it has and should have, each as a sentence. */
      readonly why: readonly string[];
      /** What does it, a command a line. */
      readonly mend: string;
    }
);

/**
 * Says what would make the topics as they should be, and changes nothing.
 * @returns the changes, in the order of the topics; none where all is as it should be
 * @throws TradetapeError acl_missing; file_unusable for the topics file; topic_misconfigured where the cluster has fewer
 * brokers than a topic that is to be made should have replicas
 */
export async function planTopics(admin: LogAdmin, config: Config): Promise<TopicChange[]> {
  const layoutOf = layoutsBy(config);
  const reports = await checkTopics(admin, config);
  const there = reports.filter(({ state }) => state !== "missing").map(({ name }) => name);
  const settings = await admin.fetchSettings(there);
  const changes: TopicChange[] = [];
  for (const { topic, name, differences, lacks, mend } of reports) {
    const [layout, actual] = [layoutOf(topic), settings.get(name)];
    if (actual === undefined) {
      const { partitions, replicas = null } = layout;
      changes.push({
        topic,
        name,
        action: "create",
        partitions,
        replicas,
        settings: settingsOfNew(topic, config, layout),
      });
      continue;
    }
    const short = demandsOn(topic, config, layout).filter((demand) => isTooShort(demand, actual));
    if (short.length > 0) {
      const from = Object.fromEntries(short.map(({ setting }) => [setting, actual.get(setting) ?? ""]));
      const to = Object.fromEntries(short.map(({ setting, value }) => [setting, value]));
      changes.push({ topic, name, action: "lengthen", from, settings: to });
    }
    const why = [...differences, ...lacks];
    if (why.length > short.length && mend !== null) changes.push({ topic, name, action: "by hand", why, mend });
  }
  await requireBrokers(admin, changes);
  return changes;
}

/** Kafka refuses such a topic, too, and doesn't say how many brokers it has. */
async function requireBrokers(admin: LogAdmin, changes: readonly TopicChange[]): Promise<void> {
  const { brokers } = await admin.fetchCluster();
  const wide = changes.flatMap((change) =>
    change.action === "create" && (change.replicas ?? 1) > brokers
      ? [`${change.name}: should have ${change.replicas} replicas, and the cluster has ${brokers} brokers that run`]
      : [],
  );
  if (wide.length === 0) return;
  throw new TradetapeError("topic_misconfigured", wide.join("\n"), {
    canRetry: true,
    next: "Start the other brokers, or correct replication-factor in the file of TRADETAPE_TOPICS_FILE.",
  });
}
