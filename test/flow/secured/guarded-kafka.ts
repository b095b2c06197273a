import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import kafkajs, { type AclEntry, type Admin, type Kafka } from "kafkajs";
import { admitToHome } from "../../../src/stack/home.ts";
import { kafkaBroker, prepareBroker } from "../../../src/stack/kafka-broker.ts";
import { awaitReady, launch, stopProgram } from "../../../src/stack/launch.ts";
import { cacheFolder, javaCommand } from "../../../src/stack/machine.ts";
import { choosePorts } from "../../../src/stack/ports.ts";
import { kafkaJars } from "../../../src/stack/programs.ts";
import type { Pair } from "../../support/services/certificates.ts";
import { plainKafka, withPlainAdmin } from "../../support/services/plain-kafka.ts";
import { ROOT } from "../../support/source-tree.ts";

const PASSWORD = "a-password-of-tests";

/** A further port of a broker's. */
export interface Listener {
  readonly protocol: "SSL" | "SASL_SSL";
  readonly pair: Pair;
  /** The port that the broker tells clients to come to, where it isn't this one. */
  readonly advertised?: number;
  /** An authority: who comes has to show a certificate by it. */
  readonly clientsOf?: string;
}

/** A broker that asks who somebody is, and lets him do what rules say and nothing else. */
export interface GuardedKafka {
  /** The port where nobody is asked. */
  readonly plain: number;
  /** The port where everybody is asked. */
  readonly guarded: number;
  /** By the names that they were given. */
  readonly ports: Readonly<Record<string, number>>;
  /** The environment of a process that logs in as somebody. */
  loginOf(user: string): Readonly<Record<string, string>>;
  give(rules: readonly AclEntry[]): Promise<void>;
  take(rules: readonly AclEntry[]): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts one with these users; who comes by its other, plain listener is its administrator.
 * @param more ports beside these two, by names in small letters
 */
export async function startGuardedKafka(
  users: readonly string[],
  more: Readonly<Record<string, Listener>> = {},
): Promise<GuardedKafka> {
  const home = mkdtempSync(join(tmpdir(), "tradetape-guarded-"));
  admitToHome(home, undefined);
  const { brokers, registry: guarded } = await choosePorts("random");
  const [jars, java] = [await kafkaJars(cacheFolder(), () => {}), javaCommand()];
  await prepareBroker(home, jars, java, brokers, 1);
  const { client, controller } = brokers[0]!;
  const ports: Record<string, number> = {};
  for (const name of Object.keys(more)) ports[name] = (await choosePorts("random")).registry;
  const open = [["PLAINTEXT", client], ["GUARDED", guarded], ...Object.entries(ports)] as const;
  const addresses = open.map(([name, port]) => `${name.toUpperCase()}://127.0.0.1:${port}`);
  const protocols = Object.entries(more).map(([name, { protocol }]) => `${name.toUpperCase()}:${protocol}`);
  const login = `org.apache.kafka.common.security.plain.PlainLoginModule required ${users
    .map((user) => `user_${user}="${PASSWORD}"`)
    .join(" ")};`;
  // Of a property that stands there twice Kafka takes the last.
  const properties = {
    listeners: [...addresses, `CONTROLLER://127.0.0.1:${controller}`].join(),
    "advertised.listeners": open
      .map(([name, port]) => `${name.toUpperCase()}://127.0.0.1:${more[name]?.advertised ?? port}`)
      .join(),
    "listener.security.protocol.map": [
      "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,GUARDED:SASL_PLAINTEXT",
      ...protocols,
    ].join(),
    "sasl.enabled.mechanisms": "PLAIN",
    "listener.name.guarded.sasl.enabled.mechanisms": "PLAIN,OAUTHBEARER",
    // Kafka's validator for tests takes unsigned tokens; a session by one lasts 12 s, if nobody logs in anew before.
    "listener.name.guarded.oauthbearer.sasl.jaas.config":
      "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required " +
      'unsecuredLoginStringClaim_sub="broker" unsecuredValidatorRequiredScope="tape";',
    "listener.name.guarded.oauthbearer.connections.max.reauth.ms": "12000",
    "listener.name.guarded.plain.sasl.jaas.config": login,
    ...Object.assign({}, ...Object.entries(more).map(([name, listener]) => settingsOf(home, name, listener, login))),
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:ANONYMOUS",
  };
  const lines = Object.entries(properties).map(([name, value]) => `${name}=${value}\n`);
  appendFileSync(join(home, "kafka", "1", "server.properties"), lines.join(""));
  const program = kafkaBroker(home, jars, java, brokers, 1);
  const running = await launch(program, false);
  await awaitReady(program, running, new AbortController().signal);
  const kafka = plainKafka({ kafkaBrokers: [`127.0.0.1:${client}`] });
  return {
    plain: client,
    guarded,
    ports,
    loginOf: (user) => ({
      KAFKA_BROKERS: `127.0.0.1:${guarded}`,
      KAFKA_SASL_MECHANISM: "plain",
      KAFKA_SASL_USERNAME: user,
      KAFKA_SASL_PASSWORD: PASSWORD,
    }),
    give: (rules) => give(kafka, rules),
    take: (rules) => take(kafka, rules),
    stop: async () => {
      await stopProgram(running, () => {});
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** Gives rules, and resolves when the broker goes by them. */
export const give = (kafka: Kafka, rules: readonly AclEntry[]): Promise<void> =>
  withPlainAdmin(kafka, async (admin) => {
    await admin.createAcls({ acl: [...rules] });
    // The broker has them a moment after its controller.
    for (const rule of rules) while (!(await isThere(admin, rule)));
  });

/** Takes rules away, and resolves when the broker goes without them. */
export const take = (kafka: Kafka, rules: readonly AclEntry[]): Promise<void> =>
  withPlainAdmin(kafka, async (admin) => {
    await admin.deleteAcls({ filters: [...rules] });
    for (const rule of rules) while (await isThere(admin, rule));
  });

const isThere = async (admin: Admin, rule: AclEntry): Promise<boolean> =>
  (await admin.describeAcls(rule)).resources.length > 0;

/** What a port has of TLS, from files that a server's user can read: Kafka wants certificate and key in one. */
function settingsOf(home: string, name: string, { pair, clientsOf }: Listener, login: string) {
  const store = join(home, `${name}.pem`);
  writeFileSync(store, `${readFileSync(pair.key, "utf8")}${readFileSync(pair.cert, "utf8")}`);
  const of = `listener.name.${name}`;
  return {
    [`${of}.ssl.keystore.type`]: "PEM",
    [`${of}.ssl.keystore.location`]: store,
    [`${of}.plain.sasl.jaas.config`]: login,
    ...(clientsOf && {
      [`${of}.ssl.client.auth`]: "required",
      [`${of}.ssl.truststore.type`]: "PEM",
      [`${of}.ssl.truststore.location`]: clientsOf,
    }),
  };
}

type Numbers = Readonly<Record<string, number>>;

/** kafkajs's number of an operation. */
export const operationOf = (name: string): number => (kafkajs.AclOperationTypes as object as Numbers)[name]!;

/** The rules of a file of ops/acl/, as `apply.sh` gives them to a user. @param only this line */
export function rulesOf(file: string, user: string, namespace: string, only?: string): AclEntry[] {
  const lines = readFileSync(join(ROOT, "ops/acl", file), "utf8").split("\n");
  return lines
    .filter((line) => line !== "" && !line.startsWith("#") && (only === undefined || line === only))
    .map((line) => {
      const [operation, resource, pattern, name] = line.split(" ") as [string, string, string, string];
      return {
        operation: operationOf(operation),
        resourceType: (kafkajs.AclResourceTypes as object as Numbers)[resource.toUpperCase()]!,
        resourcePatternType: (kafkajs.ResourcePatternTypes as object as Numbers)[pattern.toUpperCase()]!,
        resourceName: resource === "topic" ? `${namespace}.${name}` : name,
        permissionType: kafkajs.AclPermissionTypes.ALLOW,
        principal: `User:${user}`,
        host: "*",
      };
    });
}
