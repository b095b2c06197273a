import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";
import type { Config } from "../config.ts";
import { TradetapeError } from "../errors.ts";
import { SETTINGS } from "../settings.ts";
import { TOPIC_NAMES, TOPICS, type TopicName } from "./topics.ts";

/** How a topic is laid out on a cluster: by the topics file where that says so, else by its declaration and the broker. */
export interface TopicLayout {
  readonly partitions: number;
  /** How many brokers keep each partition; undefined leaves that to the broker. */
  readonly replicas: number | undefined;
  /** How many of them have to have an event before it is acknowledged; undefined leaves that to the broker. */
  readonly insyncReplicas: number | undefined;
  /** How long it keeps events, in hours; -1 is for ever. */
  readonly retentionHours: number;
}

const FILE_BYTES_MAX = 1024 * 1024;
/** What Kafka itself holds such a number in. */
const SHORT_MAX = 32_767;

const replication = {
  "replication-factor": z.int().min(1).max(SHORT_MAX).optional(),
  "min-insync-replicas": z.int().min(1).max(SHORT_MAX).optional(),
};
const ONE = z.strictObject({
  partitions: z.int().min(1).max(100_000).optional(),
  ...replication,
  "retention-hours": z
    .int()
    .min(-1)
    .max(24 * 3660)
    .refine((hours) => hours !== 0, "0 would keep nothing: -1 is for ever")
    .optional(),
});
const FILE = z.strictObject({ ...replication, topics: z.partialRecord(z.enum(TOPIC_NAMES), ONE).optional() });

/**
 * Every topic's layout, by the topics file and the settings.
 * @throws TradetapeError file_unusable that says what is wrong with the topics file
 */
export function layoutsBy(config: Config): (topic: TopicName) => TopicLayout {
  const { topicsFile: path } = config;
  const file = path === undefined ? {} : readFile(path);
  return (topic) => {
    const { partitions, retention } = TOPICS[topic];
    const own = file.topics?.[topic];
    return {
      partitions: own?.partitions ?? partitions,
      replicas: own?.["replication-factor"] ?? file["replication-factor"],
      insyncReplicas: own?.["min-insync-replicas"] ?? file["min-insync-replicas"],
      retentionHours: retention === "for ever" ? -1 : (own?.["retention-hours"] ?? config[retention]),
    };
  };
}

type TopicsFile = z.output<typeof FILE>;

function readFile(path: string): TopicsFile {
  const unusable = (what: string, cause?: unknown) =>
    new TradetapeError("file_unusable", `${SETTINGS.topicsFile.env}: ${path}: ${what}`, {
      cause,
      next: "docs/kafka.md says what may stand in it.",
    });
  let value: unknown;
  try {
    const text = readFileSync(path, "utf8");
    if (text.length > FILE_BYTES_MAX) throw new Error("it is too large to be a topics file");
    value = parse(text, { uniqueKeys: true, maxAliasCount: 0 });
  } catch (cause) {
    throw unusable((cause as Error).message, cause);
  }
  const read = FILE.safeParse(value);
  if (!read.success) throw unusable(read.error.issues.map(issueText).join("\n"));
  const problems = TOPIC_NAMES.flatMap((topic) => problemsOf(topic, read.data));
  if (problems.length > 0) throw unusable(problems.join("\n"));
  return read.data;
}

const issueText = ({ path, message }: z.core.$ZodIssue): string =>
  path.length === 0 ? message : `${path.join(".")}: ${message}`;

/** What the file says of a topic that it can't be, each as a sentence. */
function problemsOf(topic: TopicName, file: TopicsFile): string[] {
  const own = file.topics?.[topic] ?? {};
  const { key, retention } = TOPICS[topic];
  const problems: string[] = [];
  if (key === null && (own.partitions ?? 1) !== 1) {
    problems.push(`topics.${topic}.partitions: it has one, because its records have one order`);
  }
  if (retention === "for ever" && (own["retention-hours"] ?? -1) !== -1) {
    problems.push(`topics.${topic}.retention-hours: it keeps its records for ever, because others rest on them`);
  }
  const replicas = own["replication-factor"] ?? file["replication-factor"];
  const insync = own["min-insync-replicas"] ?? file["min-insync-replicas"];
  if (replicas !== undefined && insync !== undefined && insync > replicas) {
    problems.push(
      `topics.${topic}: min-insync-replicas ${insync} with replication-factor ${replicas} acknowledges no event ever`,
    );
  }
  return problems;
}
