import { InvalidArgumentError } from "commander";
import { type Config, requireServices } from "../../config.ts";
import { openRegistry } from "../../event/registry.ts";
import { EVENT_TOPICS } from "../../event/schemas.ts";
import type { Log } from "../../log.ts";
import { migrate } from "../../table/migrate.ts";
import { requireGoodTopics } from "../../topic/check-topics.ts";
import { createTopics } from "../../topic/create-topics.ts";
import { openKafka } from "../../topic/kafkajs/open-kafka.ts";
import { withAdmin } from "../../topic/log-client.ts";
import { topicName } from "../../topic/topics.ts";
import type { CommandSpec } from "../command.ts";
import { EXIT } from "../exit.ts";
import { untilAborted } from "../interrupt.ts";
import { exportLines, obtainServices, type ServedConfig } from "../services.ts";
import { migrationText } from "./migrate.ts";

interface UpOptions {
  readonly detach?: boolean;
  readonly randomPorts?: boolean;
  readonly launcher?: "containers" | "processes";
}

export const upCommand: CommandSpec<UpOptions> = {
  name: "up",
  summary: "start a local PostgreSQL, Kafka and schema registry, with topics and tables made",
  examples: [
    "tradetape up                              until Ctrl-C",
    'eval "$(tradetape up --detach)"           in the background, its addresses into this shell',
    "tradetape up --detach --json              the addresses for a script",
  ],
  declare: (command) => {
    command.option("--detach", "return when all is ready; `tradetape down` stops it");
    command.option("--random-ports", "whatever ports are free, instead of 5432, 9092 and 8081");
    command.option("--launcher <containers|processes>", "how to run them, instead of what this machine can", launcher);
  },
  run: async (session, _args, options) => {
    const detached = options.detach === true;
    const services = await obtainServices(session, {
      home: session.config.home,
      ports: options.randomPorts ? "random" : "standard",
      detached,
      ...(options.launcher ? { launcher: options.launcher } : {}),
    });
    try {
      await prepare(session, services.config);
    } catch (error) {
      // Half a stack in the background would be worse than none.
      await services.stop();
      throw error;
    }
    session.out.result({ ...services.urls, origin: services.origin }, () => exportLines(services.urls));
    if (detached) return EXIT.good;
    if (!services.started) {
      session.progress.line("It ran before, so it runs on; `tradetape down` stops a local stack.");
      return EXIT.good;
    }
    session.progress.line("Ready; Ctrl-C stops it, its data stay.");
    await untilAborted(session.signal);
    await services.stop();
    return EXIT.good;
  },
};

/** What preparing needs of a session. */
interface Prepares {
  readonly progress: { line(text: string): void };
  readonly log: Log;
}

/**
 * Topics and tables, made where they are missing, and the schemas registered: a program in another language takes them
 * from the registry before anything of ours has published.
 */
export async function prepare({ progress, log }: Prepares, config: ServedConfig): Promise<void> {
  const [reports, migration] = await Promise.all([
    withAdmin(openKafka(config, log), (admin) => createTopics(admin, config)),
    migrate(config.databaseUrl),
    registerSchemas(config),
  ]);
  requireGoodTopics(reports);
  const created = reports.filter(({ state }) => state === "created").length;
  progress.line(`topics: ${created} created, ${reports.length - created} were there`);
  progress.line(`database: ${migrationText(migration)}`);
}

/** Every event's schema under its topic's subject; registering again changes nothing. */
export async function registerSchemas(config: Config): Promise<void> {
  const registry = openRegistry(requireServices(config, "schemaRegistryUrl").schemaRegistryUrl);
  for (const topic of EVENT_TOPICS) await registry.register(topicName(config.namespace, topic), topic);
}

function launcher(value: string): "containers" | "processes" {
  if (value === "containers" || value === "processes") return value;
  throw new InvalidArgumentError("It is containers or processes.");
}
