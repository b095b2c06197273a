import { readSecretFile } from "../config/secrets.ts";
import { type Config, requireReading, requireServices, underSettings } from "../config.ts";
import { KAFKA_SETTINGS } from "../settings/kafka.ts";
import { REGISTRY_SETTINGS } from "../settings/registry.ts";
import { readAnewFrom } from "../settings/urls.ts";
import { SETTINGS, type SettingName } from "../settings.ts";
import type { StackUrls } from "../stack/stack.ts";
import type { Connection, ConnectionOptions } from "../table/connection.ts";
import { openMigrated } from "../table/migrate.ts";
import { wrong } from "./flags.ts";

export type ServedConfig = ReturnType<typeof requireServices<"databaseUrl" | "kafkaBrokers" | "schemaRegistryUrl">>;

/**
 * Settings that name services and the way into them. A local stack has none of the environment's: what is meant for a
 * cluster elsewhere would keep its commands from the stack, or lead them past it.
 */
export const SERVICE_SETTINGS: readonly SettingName[] = [
  "databaseUrl",
  "databaseReadUrl",
  "rolePrefix",
  ...(Object.keys({ ...KAFKA_SETTINGS, ...REGISTRY_SETTINGS }) as SettingName[]),
];

/** The variables that `up` has a shell export. */
const EXPORTED: readonly string[] = [
  SETTINGS.databaseUrl.env,
  SETTINGS.kafkaBrokers.env,
  SETTINGS.schemaRegistryUrl.env,
];

/** The settings with a stack's services in them. */
export const servedBy = (config: Config, urls: StackUrls): ServedConfig => ({
  ...config,
  ...urls,
  kafkaBrokers: urls.kafkaBrokers.split(","),
});

export const urlsOf = (served: ServedConfig): StackUrls => ({
  databaseUrl: served.databaseUrl,
  kafkaBrokers: served.kafkaBrokers.join(","),
  schemaRegistryUrl: served.schemaRegistryUrl,
});

/** A line for a shell that evaluated `exportLines`: what it keeps would name services that don't run. */
export const UNSET_LINE = `unset ${EXPORTED.join(" ")}`;

/** Lines for a shell to evaluate: where a stack is, and of what would still lead its commands elsewhere, that it goes. */
export function stackLines(urls: StackUrls, env: NodeJS.ProcessEnv = process.env): string {
  const variables = SERVICE_SETTINGS.flatMap((name) => [SETTINGS[name].env, `${SETTINGS[name].env}_FILE`]);
  const inTheWay = variables.filter((name) => env[name] && !EXPORTED.includes(name));
  return [exportLines(urls), ...(inTheWay.length > 0 ? [`unset ${inTheWay.join(" ")}`] : [])].join("\n");
}

/** Lines for a shell to evaluate. */
export function exportLines(urls: StackUrls): string {
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  const values = [urls.databaseUrl, urls.kafkaBrokers, urls.schemaRegistryUrl];
  return EXPORTED.map((name, n) => `export ${name}=${quoted(values[n]!)}`).join("\n");
}

/** Which of the variables that `up` has a shell export name something else than a stack's services. */
export function otherServices(urls: StackUrls, env: NodeJS.ProcessEnv = process.env): readonly string[] {
  const own = [urls.databaseUrl, urls.kafkaBrokers, urls.schemaRegistryUrl];
  return EXPORTED.filter((name, n) => env[name] && env[name] !== own[n]);
}

export const databaseOf = (config: Config): string => requireServices(config, "databaseUrl").databaseUrl;

/** A database beside that of DATABASE_URL, as a command is told it: by its URL, or by a file that the URL stands in. */
interface OtherDatabase {
  /** The flag of the URL; that of the file has `-file` behind it. */
  readonly flag: string;
  readonly url: string | undefined;
  readonly file: string | undefined;
}

/**
 * The URL of another database than DATABASE_URL's, under the settings that are in force.
 * @throws TradetapeError input_invalid; the URL may hold a password, and is not in it
 */
export function otherDatabase(config: Config, { flag, url, file }: OtherDatabase): string | undefined {
  if (url !== undefined && file !== undefined) throw wrong(`${flag} beside ${flag}-file`, "one of the two");
  const text = file === undefined ? url : fileText(`${flag}-file`, file);
  if (text === undefined) return undefined;
  if (!SETTINGS.databaseUrl.schema.safeParse(text).success) {
    throw wrong(
      file === undefined ? flag : `what the file of ${flag}-file holds`,
      "a URL as DATABASE_URL, postgres://user@host:port/database, whose password may come from PGPASSWORD, too",
    );
  }
  return underSettings(config, file === undefined ? text : readAnewFrom(text, file));
}

function fileText(flag: string, file: string): string {
  try {
    return readSecretFile(file);
  } catch (cause) {
    throw wrong(`${flag}: ${(cause as Error).message}`, "a file that the URL stands in");
  }
}

/**
 * Asks the database something in a session that may only read, of DATABASE_READ_URL where there is one: what it answers may
 * be some seconds old then.
 * @param name what is asked, as pg_stat_activity shows it
 * @throws TradetapeError config_invalid, database_unreachable, not_migrated
 */
export const asReader = <R>(config: Config, name: string, ask: (connection: Connection) => Promise<R>): Promise<R> =>
  inSession(requireReading(config).databaseUrl, { name, role: "tradetape_reader" }, ask);

/** Asks the database of DATABASE_URL, in a session with a role's rights. */
export const asRole = <R>(
  config: Config,
  name: string,
  role: NonNullable<ConnectionOptions["role"]>,
  ask: (connection: Connection) => Promise<R>,
): Promise<R> => inSession(databaseOf(config), { name, role }, ask);

async function inSession<R>(
  databaseUrl: string,
  as: ConnectionOptions,
  ask: (connection: Connection) => Promise<R>,
): Promise<R> {
  const connection = await openMigrated(databaseUrl, as);
  try {
    return await ask(connection);
  } finally {
    await connection.close();
  }
}
