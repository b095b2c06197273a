import { execFileSync } from "node:child_process";
import { appendFileSync, chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AclEntry } from "kafkajs";
import pg from "pg";
import { admitToHome } from "../../../src/stack/home.ts";
import { clusterIdOf, kafkaBroker, prepareBroker } from "../../../src/stack/kafka-broker.ts";
import { awaitReady, launch, runToEnd, stopProgram } from "../../../src/stack/launch.ts";
import { cacheFolder, javaCommand } from "../../../src/stack/machine.ts";
import { choosePorts } from "../../../src/stack/ports.ts";
import { kafkaJars } from "../../../src/stack/programs.ts";
import type { Authority } from "../../support/services/certificates.ts";
import { type Cluster, startCluster } from "../../support/services/cluster.ts";
import { plainKafka } from "../../support/services/plain-kafka.ts";
import { give, take } from "./guarded-kafka.ts";

const PASSWORD = "a-password-of-tests";
const HERE = "DNS:localhost,IP:127.0.0.1";

/** A broker of SASL_SSL with SCRAM, which wants a certificate of its clients, too, and lets them do what rules say. */
export interface SecuredKafka {
  /** The port where nobody is asked, and everybody is the administrator. */
  readonly plain: number;
  /** The port where everybody is asked. */
  readonly secured: number;
  loginOf(user: string): Readonly<Record<string, string>>;
  give(rules: readonly AclEntry[]): Promise<void>;
  take(rules: readonly AclEntry[]): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts one with these users; who comes by its other, plain listener is its administrator.
 * @param front the port that it tells clients to come to, where that isn't its own
 */
export async function startSecuredKafka(
  authority: Authority,
  users: readonly string[],
  front?: number,
): Promise<SecuredKafka> {
  const home = mkdtempSync(join(tmpdir(), "tradetape-secured-"));
  admitToHome(home, undefined);
  const { brokers, registry: secured } = await choosePorts("random");
  const [jars, java] = [await kafkaJars(cacheFolder(), () => {}), javaCommand()];
  await prepareBroker(home, jars, java, brokers, 1);
  await formatWith(users, home, { jars, java });
  const { client: plain, controller } = brokers[0]!;
  const [own, theirs] = [authority.issue("broker", HERE), authority.issue("client", "DNS:client")];
  const store = join(home, "broker.pem");
  writeFileSync(store, `${readFileSync(own.key, "utf8")}${readFileSync(own.cert, "utf8")}`, { mode: 0o600 });
  const at = "listener.name.secured";
  // Of a property that stands there twice Kafka takes the last.
  const properties = {
    listeners: `PLAINTEXT://127.0.0.1:${plain},CONTROLLER://127.0.0.1:${controller},SECURED://127.0.0.1:${secured}`,
    "advertised.listeners": `PLAINTEXT://127.0.0.1:${plain},SECURED://127.0.0.1:${front ?? secured}`,
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURED:SASL_SSL",
    "sasl.enabled.mechanisms": "SCRAM-SHA-512",
    [`${at}.scram-sha-512.sasl.jaas.config`]: "org.apache.kafka.common.security.scram.ScramLoginModule required;",
    [`${at}.ssl.keystore.type`]: "PEM",
    [`${at}.ssl.keystore.location`]: store,
    [`${at}.ssl.truststore.type`]: "PEM",
    [`${at}.ssl.truststore.location`]: authority.cert,
    [`${at}.ssl.client.auth`]: "required",
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:ANONYMOUS",
  };
  const lines = Object.entries(properties).map(([name, value]) => `${name}=${value}\n`);
  appendFileSync(join(home, "kafka", "1", "server.properties"), lines.join(""));
  const program = kafkaBroker(home, jars, java, brokers, 1);
  const running = await launch(program, false);
  await awaitReady(program, running, new AbortController().signal);
  const kafka = plainKafka({ kafkaBrokers: [`127.0.0.1:${plain}`] });
  return {
    plain,
    secured,
    loginOf: (user) => ({
      KAFKA_BROKERS: `127.0.0.1:${front ?? secured}`,
      KAFKA_SASL_MECHANISM: "scram-sha-512",
      KAFKA_SASL_USERNAME: user,
      KAFKA_SASL_PASSWORD: PASSWORD,
      KAFKA_SSL_ENABLED: "true",
      KAFKA_SSL_CA_FILE: authority.cert,
      KAFKA_SSL_CERT_FILE: theirs.cert,
      KAFKA_SSL_KEY_FILE: theirs.key,
    }),
    give: (rules) => give(kafka, rules),
    take: (rules) => take(kafka, rules),
    stop: async () => {
      await stopProgram(running, () => {});
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** Formats the broker's storage again, with users: nothing else makes one before there is a broker to ask. */
async function formatWith(
  users: readonly string[],
  home: string,
  { jars, java }: { readonly jars: string; readonly java: string },
): Promise<void> {
  const folder = join(home, "kafka", "1");
  rmSync(join(folder, "data"), { recursive: true });
  const scram = users.flatMap((user) => ["--add-scram", `SCRAM-SHA-512=[name=${user},password=${PASSWORD}]`]);
  const tool = ["-cp", join(jars, "*"), "kafka.tools.StorageTool", "format", "-t", clusterIdOf(home)];
  const args = [...tool, "-c", join(folder, "server.properties"), ...scram];
  const done = await runToEnd(java, args, { cwd: folder, input: "", runAs: undefined });
  if (done.code !== 0) throw new Error(`the users can't be made: ${done.output}`);
}

/** A registry that is reached by TLS, and asks for a login. */
export interface SecuredRegistry {
  /** With the login in it. */
  readonly url: string;
  stop(): Promise<void>;
}

/** @param registryUrl of the registry behind it, which asks nobody */
export async function startSecuredRegistry(authority: Authority, registryUrl: string): Promise<SecuredRegistry> {
  const { cert, key } = authority.issue("registry", HERE);
  const login = `Basic ${Buffer.from(`registrant:${PASSWORD}`).toString("base64")}`;
  const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, async (request, response) => {
    if (request.headers.authorization !== login) return void response.writeHead(401).end("{}");
    const answer = await fetch(`${new URL(registryUrl).origin}${request.url}`, {
      method: request.method!,
      headers: { "content-type": request.headers["content-type"] ?? "application/json" },
      body: request.method === "GET" ? null : Buffer.concat(await request.toArray()),
    });
    const text = await answer.text();
    response.writeHead(answer.status, { "content-type": "application/json" }).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://registrant:${PASSWORD}@127.0.0.1:${port}${new URL(registryUrl).pathname}`,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A PostgreSQL that nobody gets into but by TLS, save its administrator. */
export interface SecuredPostgres {
  run: Cluster["run"];
  /** Who comes by it knows the server for what it is. */
  urlOf(database: string, login: string): string;
  stop(): Promise<void>;
}

/** @param databases each with the logins of this SQL in it */
export async function startSecuredPostgres(
  authority: Authority,
  databases: readonly string[],
  rolesSql: string,
): Promise<SecuredPostgres> {
  const cluster = await startCluster();
  const [shown] = await cluster.run<{ data_directory: string }>("postgres", "SHOW data_directory");
  const folder = shown!.data_directory;
  const { cert, key } = authority.issue("postgres", HERE);
  for (const [from, name] of [
    [cert, "server.crt"],
    [key, "server.key"],
  ] as const) {
    copyFileSync(from, join(folder, name));
    execFileSync("chown", ["--reference", join(folder, "PG_VERSION"), join(folder, name)]);
    chmodSync(join(folder, name), 0o600);
  }
  const admin = new URL(cluster.urlOf("postgres"));
  const rules = [`host all ${admin.username} 127.0.0.1/32 scram-sha-256`, "hostssl all all 127.0.0.1/32 scram-sha-256"];
  writeFileSync(join(folder, "pg_hba.conf"), rules.map((rule) => `${rule}\n`).join(""));
  for (const database of databases) {
    await cluster.run("postgres", `CREATE DATABASE ${database}`);
    await cluster.run(database, rolesSql);
  }
  const password = pg.escapeLiteral(decodeURIComponent(admin.password));
  for (const login of ["migrator", "lander", "reader", "ops"])
    await cluster.run("postgres", `ALTER ROLE tape_${login} PASSWORD ${password}`);
  await cluster.run("postgres", "ALTER SYSTEM SET ssl = 'on'");
  await cluster.run("postgres", "SELECT pg_reload_conf()");
  return {
    run: cluster.run,
    urlOf: (database, login) =>
      `${cluster.urlOf(database, login)}?sslmode=verify-full&sslrootcert=${encodeURIComponent(authority.cert)}`,
    stop: cluster.stop,
  };
}
