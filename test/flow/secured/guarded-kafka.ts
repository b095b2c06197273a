import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import kafkajs, { type AclEntry } from "kafkajs";
import { admitToHome } from "../../../src/stack/home.ts";
import { kafkaBroker, prepareBroker } from "../../../src/stack/kafka-broker.ts";
import { awaitReady, launch, stopProgram } from "../../../src/stack/launch.ts";
import { cacheFolder, javaCommand } from "../../../src/stack/machine.ts";
import { choosePorts } from "../../../src/stack/ports.ts";
import { kafkaJars } from "../../../src/stack/programs.ts";
import { plainKafka, withPlainAdmin } from "../../support/services/plain-kafka.ts";
import { ROOT } from "../../support/source-tree.ts";

const PASSWORD = "a-password-of-tests";

/** A broker that asks who somebody is, and lets him do what rules say and nothing else. */
export interface GuardedKafka {
  /** The environment of a process that logs in as somebody. */
  loginOf(user: string): Readonly<Record<string, string>>;
  give(rules: readonly AclEntry[]): Promise<void>;
  take(rules: readonly AclEntry[]): Promise<void>;
  stop(): Promise<void>;
}

/** Starts one with these users; who comes by its other, plain listener is its administrator. */
export async function startGuardedKafka(users: readonly string[]): Promise<GuardedKafka> {
  const home = mkdtempSync(join(tmpdir(), "tradetape-guarded-"));
  admitToHome(home, undefined);
  const { brokers, registry: guarded } = await choosePorts("random");
  const [jars, java] = [await kafkaJars(cacheFolder(), () => {}), javaCommand()];
  await prepareBroker(home, jars, java, brokers, 1);
  const { client, controller } = brokers[0]!;
  // Of a property that stands there twice Kafka takes the last.
  const properties = {
    listeners: `PLAINTEXT://127.0.0.1:${client},CONTROLLER://127.0.0.1:${controller},GUARDED://127.0.0.1:${guarded}`,
    "advertised.listeners": `PLAINTEXT://127.0.0.1:${client},GUARDED://127.0.0.1:${guarded}`,
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,GUARDED:SASL_PLAINTEXT",
    "sasl.enabled.mechanisms": "PLAIN",
    "listener.name.guarded.plain.sasl.jaas.config": `org.apache.kafka.common.security.plain.PlainLoginModule required ${users
      .map((user) => `user_${user}="${PASSWORD}"`)
      .join(" ")};`,
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
    loginOf: (user) => ({
      KAFKA_BROKERS: `127.0.0.1:${guarded}`,
      KAFKA_SASL_MECHANISM: "plain",
      KAFKA_SASL_USERNAME: user,
      KAFKA_SASL_PASSWORD: PASSWORD,
    }),
    give: async (rules) => {
      await withPlainAdmin(kafka, (admin) => admin.createAcls({ acl: [...rules] }));
    },
    take: async (rules) => {
      await withPlainAdmin(kafka, (admin) => admin.deleteAcls({ filters: [...rules] }));
    },
    stop: async () => {
      await stopProgram(running, () => {});
      rmSync(home, { recursive: true, force: true });
    },
  };
}

type Numbers = Readonly<Record<string, number>>;

/** The rules of a file of ops/acl/, as `apply.sh` gives them to a user. @param only this line */
export function rulesOf(file: string, user: string, namespace: string, only?: string): AclEntry[] {
  const lines = readFileSync(join(ROOT, "ops/acl", file), "utf8").split("\n");
  return lines
    .filter((line) => line !== "" && !line.startsWith("#") && (only === undefined || line === only))
    .map((line) => {
      const [operation, resource, pattern, name] = line.split(" ") as [string, string, string, string];
      return {
        operation: (kafkajs.AclOperationTypes as object as Numbers)[operation]!,
        resourceType: (kafkajs.AclResourceTypes as object as Numbers)[resource.toUpperCase()]!,
        resourcePatternType: (kafkajs.ResourcePatternTypes as object as Numbers)[pattern.toUpperCase()]!,
        resourceName: resource === "topic" ? `${namespace}.${name}` : name,
        permissionType: kafkajs.AclPermissionTypes.ALLOW,
        principal: `User:${user}`,
        host: "*",
      };
    });
}
