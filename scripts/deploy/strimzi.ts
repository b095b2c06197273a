import { readFileSync } from "node:fs";
import { parse, stringify } from "yaml";
import { readConfig } from "../../src/config.ts";
import type { TopicLayout } from "../../src/topic/topic-layout.ts";
import { settingsOfNew } from "../../src/topic/topic-settings.ts";
import { TOPIC_NAMES, TOPICS, type TopicName } from "../../src/topic/topics.ts";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

const HEAD = `# Made by \`npm run generate\` of declarations: change src/topic/topics.ts, ops/acl or ops/k8s/base/settings.yaml.
# For Strimzi 1.0 and later: the topics as \`topics --create\` makes them, and a user for each login, whose password is in the
# secret of its name. The cluster is called kafka, has three brokers and authorization of type simple; docs/security.md says
# what each user may do.
`;
const labels = { "strimzi.io/cluster": "kafka" };
const API = "kafka.strimzi.io/v1";

/** The topics and users of ops/k8s/examples/strimzi.yaml, as Strimzi's operators make them. */
export function strimziSource(): string {
  const made = [...TOPIC_NAMES.map(topic), ...["creator", "consumer", "reader"].map(user)];
  return HEAD + made.map((one) => stringify(one, { lineWidth: 0 })).join("---\n");
}

/** The layout that the base has every topic made by. */
function layoutOf(name: TopicName): TopicLayout {
  const [, topics] = read("ops/k8s/base/settings.yaml").split("\n---\n");
  const { data } = parse(topics!) as { data: { "topics.yml": string } };
  const file = parse(data["topics.yml"]) as { topics: { [T in TopicName]?: { partitions: number } } } & Record<
    "replication-factor" | "min-insync-replicas",
    number
  >;
  const { partitions, retention } = TOPICS[name];
  return {
    partitions: file.topics[name]?.partitions ?? partitions,
    replicas: file["replication-factor"],
    insyncReplicas: file["min-insync-replicas"],
    retentionHours: retention === "for ever" ? -1 : readConfig({}, {})[retention],
  };
}

function topic(name: TopicName): object {
  const layout = layoutOf(name);
  const { partitions, replicas } = layout;
  const config = settingsOfNew(name, readConfig({}, {}), layout);
  return { apiVersion: API, kind: "KafkaTopic", metadata: { name, labels }, spec: { partitions, replicas, config } };
}

/** @param name of a list of ops/acl */
function user(name: string): object {
  const lines = read(`ops/acl/${name}.acl`)
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(" ") as [string, string, string, string]);
  const acls = Object.values(Object.groupBy(lines, ([, ...resource]) => resource.join(" "))).map((rights) => {
    const [, type, patternType, of] = rights![0]!;
    return { resource: { type, name: of, patternType }, operations: rights!.map(([right]) => strimziName(right)) };
  });
  const authorization = { type: "simple", acls };
  const spec = { authentication: { type: "scram-sha-512" }, authorization };
  return { apiVersion: API, kind: "KafkaUser", metadata: { name: `tradetape-${name}`, labels }, spec };
}

/** Strimzi writes Kafka's DESCRIBE_CONFIGS as DescribeConfigs. */
const strimziName = (right: string): string =>
  right
    .split("_")
    .map((word) => word[0] + word.slice(1).toLowerCase())
    .join("");
