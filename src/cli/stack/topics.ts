import { checkTopics, type TopicReport } from "../../topic/check-topics.ts";
import { createTopics } from "../../topic/create-topics.ts";
import { openKafka } from "../../topic/kafkajs/open-kafka.ts";
import { type LogAdmin, withAdmin } from "../../topic/log-client.ts";
import type { CommandSpec } from "../command.ts";
import { EXIT } from "../exit.ts";
import { table } from "../output.ts";
import { registerSchemas } from "./up.ts";

export const topicsCommand: CommandSpec<{ create?: boolean }> = {
  name: "topics",
  summary: "compare the topics with what the pipeline relies on, with sizes; --create makes the missing ones",
  examples: ["tradetape topics", "tradetape topics --create"],
  declare: (command) => {
    command.option(
      "--create",
      "create what is missing, register the schemas, and have topics that keep events for too short a time keep them " +
        "longer; nothing else of an existing topic is changed",
    );
  },
  run: async ({ config, out, log }, _args, options) => {
    const topics = await withAdmin(openKafka(config, log), async (admin) =>
      measure(admin, await (options.create ? createTopics : checkTopics)(admin, config)),
    );
    if (options.create && config.schemaRegistryUrl !== undefined) await registerSchemas(config);
    const ok = topics.every(({ state }) => state === "good" || state === "created" || state === "lengthened");
    out.result({ ok, topics }, () => topicsText(topics));
    return ok ? EXIT.good : EXIT.foundWrong;
  },
};

/** A topic and how much there is of it. */
interface TopicSize extends TopicReport {
  /** On the disks of all brokers, replicas included; null when the topic is missing. */
  readonly bytes: number | null;
  /** Offsets that its partitions have from their first record ever to their next one. */
  readonly offsets: number;
  /** Those at the front whose records are gone: where there are any, programs that read the topic need a snapshot. */
  readonly gone: number;
}

async function measure(admin: LogAdmin, reports: readonly TopicReport[]): Promise<TopicSize[]> {
  const bytes = await admin.fetchBytes();
  const sizes: TopicSize[] = [];
  for (const report of reports) {
    const logs = report.state === "missing" ? [] : await admin.fetchOffsets(report.name);
    const gone = report.isCompacted ? 0 : logs.reduce((sum, { low }) => sum + low, 0);
    const offsets = logs.reduce((sum, { high }) => sum + high, 0);
    sizes.push({ ...report, bytes: bytes.get(report.name) ?? null, offsets, gone });
  }
  return sizes;
}

const HOUR_MS = 3_600_000;

function topicsText(topics: readonly TopicSize[]): string {
  const head = ["topic", "state", "partitions", "offsets", "gone", "bytes", "kept", "differences"];
  const rows = topics.map((t) => {
    const { name, state, partitions, offsets, gone, bytes, differences } = t;
    return [name, state, partitions, offsets, gone, bytes, keptText(t), differences.join("; ")];
  });
  const mends = [...new Set(topics.flatMap(({ mend }) => (mend === null ? [] : [mend])))];
  return [table(head, rows), ...riskLines(topics), ...mends].join("\n");
}

/** A line for each risk, with the topics that have it. */
function riskLines(topics: readonly TopicReport[]): string[] {
  const risks = new Set(topics.flatMap((topic) => topic.risks));
  return [...risks].map((risk) => {
    const names = topics.filter((topic) => topic.risks.includes(risk)).map(({ name }) => name);
    return `Warning, ${names.join(", ")}: ${risk}.`;
  });
}

function keptText({ retentionMs }: TopicReport): string {
  if (retentionMs === null) return "-";
  return retentionMs === -1 ? "for ever" : `${retentionMs / HOUR_MS} h`;
}
