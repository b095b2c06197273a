import { InvalidArgumentError } from "commander";
import { type Config, requireServices } from "../../config.ts";
import { openRegistry } from "../../event/registry.ts";
import { EVENT_TOPICS } from "../../event/schemas.ts";
import type { Log } from "../../log.ts";
import { startStack } from "../../stack/stack.ts";
import { addressOf } from "../../table/database-url.ts";
import { migrate } from "../../table/migrate.ts";
import { requireGoodTopics } from "../../topic/check-topics.ts";
import { createTopics } from "../../topic/create-topics.ts";
import { openKafka } from "../../topic/kafkajs/open-kafka.ts";
import { withAdmin } from "../../topic/log-client.ts";
import { topicName } from "../../topic/topics.ts";
import type { CommandSpec, Session } from "../command.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { untilAborted } from "../interrupt.ts";
import {
  exportLines,
  otherServices,
  SERVICE_SETTINGS,
  type ServedConfig,
  servedBy,
  stackLines,
  urlsOf,
} from "../services.ts";
import { migrationText } from "./migrate.ts";

interface UpOptions {
  readonly detach?: boolean;
  readonly randomPorts?: boolean;
  readonly launcher?: "containers" | "processes";
  readonly brokers?: number;
  readonly useEnvironment?: boolean;
}

export const upCommand: CommandSpec<UpOptions> = {
  name: "up",
  summary: "start a local PostgreSQL, Kafka and schema registry, with topics and tables made",
  examples: [
    "tradetape up                              until Ctrl-C",
    'eval "$(tradetape up --detach)"           in the background, its addresses into this shell',
    "tradetape up --detach --json              the addresses for a script",
    "tradetape up --brokers 3                  a Kafka of which a broker may die",
    "tradetape up --use-environment            topics and tables on the services that the environment names",
  ],
  declare: (command) => {
    command.option("--detach", "return when all is ready; `tradetape down` stops it");
    command.option("--random-ports", "whatever ports are free, instead of 5432, 9092 and 8081");
    command.option(
      "--use-environment",
      "start nothing: make topics and tables on the services that the environment names",
    );
    command.option("--launcher <containers|processes>", "how to run them, instead of what this machine can", launcher);
    command.option(
      "--brokers <n>",
      "so many Kafka brokers, each partition on three of them: 1 to 5, as processes",
      brokers,
    );
  },
  fixed: ({ useEnvironment }) => (useEnvironment ? [] : SERVICE_SETTINGS),
  isEvaluated: true,
  run: (session, _args, options) => (options.useEnvironment ? prepareExisting(session) : startOwn(session, options)),
};

/** Makes topics and tables on services that somebody else runs. */
async function prepareExisting(session: Session): Promise<ExitCode> {
  const { progress, out } = session;
  const config = requireServices(session.config, "databaseUrl", "kafkaBrokers", "schemaRegistryUrl");
  const { databaseUrl, kafkaBrokers } = config;
  progress.line(`nothing is started: working on ${addressOf(databaseUrl)} and on Kafka at ${kafkaBrokers.join(", ")}`);
  await prepare(session, config);
  const urls = urlsOf(config);
  out.result({ ...urls, origin: "environment" }, () => exportLines(urls));
  return EXIT.good;
}

/** Starts this home's stack, whatever services the environment names. */
async function startOwn(session: Session, options: UpOptions): Promise<ExitCode> {
  const { progress, out } = session;
  const detached = options.detach === true;
  const stack = await startStack({
    home: session.config.home,
    ports: options.randomPorts ? "random" : "standard",
    detached,
    onProgress: progress.line,
    ...(options.launcher ? { launcher: options.launcher } : {}),
    ...(options.brokers ? { brokers: options.brokers } : {}),
  });
  const { urls, launcher, home } = stack;
  try {
    const { kafkaBrokers, schemaRegistryUrl } = urls;
    progress.line(
      `local stack in ${home}: ${addressOf(urls.databaseUrl)}, Kafka ${kafkaBrokers}, ${schemaRegistryUrl}`,
    );
    const others = otherServices(urls);
    if (others.length > 0)
      progress.line(`${others.join(", ")} had other services here: this command leaves them alone`);
    await prepare(session, servedBy(session.config, urls));
  } catch (error) {
    // Half a stack in the background would be worse than none.
    await stack.stop();
    throw error;
  }
  out.result({ ...urls, origin: launcher, home }, () => stackLines(urls));
  if (detached) return EXIT.good;
  if (stack.reused) {
    progress.line("It ran before, so it runs on; `tradetape down` stops a local stack.");
    return EXIT.good;
  }
  progress.line("Ready; Ctrl-C stops it, its data stay.");
  await untilAborted(session.signal);
  await stack.stop();
  return EXIT.good;
}

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
  const registry = openRegistry(requireServices(config, "schemaRegistryUrl"));
  for (const topic of EVENT_TOPICS) await registry.register(topicName(config.namespace, topic), topic);
}

function launcher(value: string): "containers" | "processes" {
  if (value === "containers" || value === "processes") return value;
  throw new InvalidArgumentError("It is containers or processes.");
}

const BROKERS_MAX = 5;

function brokers(value: string): number {
  const count = Number(value);
  if (Number.isInteger(count) && count >= 1 && count <= BROKERS_MAX) return count;
  throw new InvalidArgumentError(`It is a number from 1 to ${BROKERS_MAX}.`);
}
