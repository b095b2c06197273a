import { isLocalHost } from "./local-host.ts";
import { allowingPlaintext, readTransport } from "./transport.ts";
import { databaseHosts } from "./urls.ts";

/** The way out where a network is trusted. */
export const ALLOW = "Where nobody else can listen, --allow-plaintext or TRADETAPE_ALLOW_PLAINTEXT=true allows it.";

/** The way out of a session with PostgreSQL in clear. */
export const ENCRYPT =
  "Add sslmode=verify-full and sslrootcert=FILE to the URL; sslmode=require encrypts, too, and doesn't ask whose server it is.";

/** What the settings say of the ways to the services, as far as they were read. */
interface Ways {
  readonly databaseUrl?: string | undefined;
  readonly databaseReadUrl?: string | undefined;
  readonly kafkaBrokers?: readonly string[] | undefined;
  readonly kafkaSsl: boolean;
  readonly kafkaSaslMechanism?: string | undefined;
  readonly kafkaOauthTokenUrl?: string | undefined;
  readonly schemaRegistryUrl?: string | undefined;
  readonly schemaRegistryToken?: string | undefined;
  readonly schemaRegistryOauthTokenUrl?: string | undefined;
  readonly allowPlaintext: boolean;
}

const hostOfBroker = (broker: string): string => broker.slice(0, broker.lastIndexOf(":"));

/**
 * Whether a SASL login goes to a broker in clear, from where others may listen. SCRAM doesn't say the password, but what is
 * overheard of it can be tried against all passwords, and whoever stands between goes on in a session that has logged in.
 */
export const isSaslInClear = (
  { kafkaSaslMechanism, kafkaSsl, allowPlaintext }: Pick<Ways, "kafkaSaslMechanism" | "kafkaSsl" | "allowPlaintext">,
  host: string,
): boolean => kafkaSaslMechanism !== undefined && !kafkaSsl && !allowPlaintext && !isLocalHost(host);

/** What is wrong with the ways to the services: logins that would go in clear, and what PostgreSQL's can't be by. */
export function transportProblems(ways: Ways, env: NodeJS.ProcessEnv): string[] {
  const { databaseUrl, databaseReadUrl, kafkaBrokers = [], allowPlaintext } = ways;
  const databases = { DATABASE_URL: databaseUrl, DATABASE_READ_URL: databaseReadUrl };
  const problems = Object.entries(databases).flatMap(([name, url]) =>
    url === undefined ? [] : databaseProblems(name, url, allowPlaintext, env),
  );
  const inClear = kafkaBrokers.find((broker) => isSaslInClear(ways, hostOfBroker(broker)));
  if (inClear !== undefined) {
    problems.push(
      `KAFKA_SASL_MECHANISM: the login would go to ${inClear} in clear. Set KAFKA_SSL_ENABLED=true. ${ALLOW}`,
    );
  }
  return allowPlaintext ? problems : [...problems, ...httpProblems(ways)];
}

function httpProblems({ schemaRegistryUrl: registry, schemaRegistryToken, ...ways }: Ways): string[] {
  const { kafkaOauthTokenUrl, schemaRegistryOauthTokenUrl } = ways;
  const isLogin = registry !== undefined && new URL(registry).username + new URL(registry).password !== "";
  const hasLogin = isLogin || schemaRegistryToken !== undefined || schemaRegistryOauthTokenUrl !== undefined;
  const all = [
    ["SCHEMA_REGISTRY_URL", "the login", hasLogin ? registry : undefined],
    ["SCHEMA_REGISTRY_OAUTH_TOKEN_URL", "the client's secret", schemaRegistryOauthTokenUrl],
    ["KAFKA_OAUTH_TOKEN_URL", "the client's secret", kafkaOauthTokenUrl],
  ] as const;
  return all.flatMap(([name, what, url]) => {
    if (url === undefined) return [];
    const { protocol, hostname, host } = new URL(url);
    if (protocol !== "http:" || isLocalHost(hostname)) return [];
    return [`${name}: ${what} would go to ${host} in clear. Use HTTPS. ${ALLOW}`];
  });
}

/** Each once, though it be so of several hosts. */
function databaseProblems(
  name: string,
  databaseUrl: string,
  allowPlaintext: boolean,
  env: NodeJS.ProcessEnv,
): string[] {
  const problems = databaseHosts(databaseUrl).urls.map((url) => {
    const transport = readTransport(allowPlaintext ? allowingPlaintext(url) : url, env);
    if (typeof transport === "string") return `${name} ${transport}`;
    if (transport.ways.length > 0) return undefined;
    return `${name}: the login would go to ${transport.host} in clear. ${ENCRYPT} ${ALLOW}`;
  });
  return [...new Set(problems.filter((problem) => problem !== undefined))];
}
