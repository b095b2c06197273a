import { type Config, requireServices } from "../config.ts";
import { type StackUrls, startStack } from "../stack/stack.ts";
import { Connection, type ConnectionOptions } from "../table/connection.ts";
import { requireMigrated } from "../table/migrate.ts";
import type { Session } from "./command.ts";

/** The three services, and how to give them back: nothing happens to those that somebody else runs. */
export interface Services {
  readonly origin: "environment" | "containers" | "processes";
  /** Whether this call started them: only then `stop` ends them. */
  readonly started: boolean;
  readonly urls: StackUrls;
  readonly config: ServedConfig;
  stop(): Promise<void>;
}

export type ServedConfig = ReturnType<typeof requireServices<"databaseUrl" | "kafkaBrokers" | "schemaRegistryUrl">>;

interface ServiceOptions {
  readonly home: string;
  readonly ports: "standard" | "random";
  readonly detached: boolean;
  readonly launcher?: "containers" | "processes";
}

/**
 * The services that flags or environment name, else a local stack.
 * @throws TradetapeError config_invalid when only some are named: half of somebody's pipeline and half of ours is
 * never what was meant.
 */
export async function obtainServices(session: Session, options: ServiceOptions): Promise<Services> {
  const { config, progress } = session;
  if (config.databaseUrl ?? config.kafkaBrokers ?? config.schemaRegistryUrl) {
    const served = requireServices(config, "databaseUrl", "kafkaBrokers", "schemaRegistryUrl");
    return { origin: "environment", started: false, urls: urlsOf(served), config: served, stop: async () => {} };
  }
  const stack = await startStack({ ...options, onProgress: progress.line });
  const served = { ...config, ...stack.urls, kafkaBrokers: stack.urls.kafkaBrokers.split(",") };
  return { origin: stack.launcher, started: !stack.reused, urls: stack.urls, config: served, stop: () => stack.stop() };
}

export const urlsOf = (served: ServedConfig): StackUrls => ({
  databaseUrl: served.databaseUrl,
  kafkaBrokers: served.kafkaBrokers.join(","),
  schemaRegistryUrl: served.schemaRegistryUrl,
});

/** Lines for a shell to evaluate. */
export function exportLines(urls: StackUrls): string {
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  return [
    `export DATABASE_URL=${quoted(urls.databaseUrl)}`,
    `export KAFKA_BROKERS=${quoted(urls.kafkaBrokers)}`,
    `export SCHEMA_REGISTRY_URL=${quoted(urls.schemaRegistryUrl)}`,
  ].join("\n");
}

export const databaseOf = (config: Config): string => requireServices(config, "databaseUrl").databaseUrl;

/**
 * Asks the database something in a session that may only read.
 * @param name what is asked, as pg_stat_activity shows it
 * @throws TradetapeError config_invalid, database_unreachable, not_migrated
 */
export const asReader = <R>(config: Config, name: string, ask: (connection: Connection) => Promise<R>): Promise<R> =>
  asRole(config, name, "tradetape_reader", ask);

/** The same, in a session with a role's rights. */
export async function asRole<R>(
  config: Config,
  name: string,
  role: NonNullable<ConnectionOptions["role"]>,
  ask: (connection: Connection) => Promise<R>,
): Promise<R> {
  const databaseUrl = databaseOf(config);
  const connection = await Connection.open(databaseUrl, { name, role });
  try {
    await requireMigrated(connection, databaseUrl);
    return await ask(connection);
  } finally {
    await connection.close();
  }
}
