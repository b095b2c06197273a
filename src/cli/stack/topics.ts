import { openKafka } from "../../topic/kafkajs/open-kafka.ts";
import { withAdmin } from "../../topic/log-client.ts";
import { checkTopics, createTopics, type TopicReport } from "../../topic/topics.ts";
import type { CommandSpec } from "../command.ts";
import { EXIT } from "../exit.ts";
import { table } from "../output.ts";
import { registerSchemas } from "./up.ts";

export const topicsCommand: CommandSpec<{ create?: boolean }> = {
  name: "topics",
  summary: "compare the topics with what the pipeline relies on; --create makes the missing ones",
  examples: ["tradetape topics", "tradetape topics --create"],
  declare: (command) => {
    command.option("--create", "create what is missing and register the schemas; existing topics are never changed");
  },
  run: async ({ config, out, log }, _args, options) => {
    const client = openKafka(config, log);
    const reports = await withAdmin(client, (admin) => (options.create ? createTopics : checkTopics)(admin, config));
    if (options.create && config.schemaRegistryUrl !== undefined) await registerSchemas(config);
    const ok = reports.every(({ state }) => state === "good" || state === "created");
    out.result({ ok, topics: reports }, () => topicsText(reports));
    return ok ? EXIT.good : EXIT.foundWrong;
  },
};

function topicsText(reports: readonly TopicReport[]): string {
  const rows = reports.map((r) => [r.name, r.state, r.partitions, r.differences.join("; ")]);
  return table(["topic", "state", "partitions", "differences"], rows);
}
