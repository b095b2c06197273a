import http from "node:http";
import pino from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { kafkaVersionFinding } from "../../../src/cli/look/doctor-kafka.ts";
import { readConfig } from "../../../src/config.ts";
import { migrate } from "../../../src/table/migrate.ts";
import { createTopics } from "../../../src/topic/create-topics.ts";
import { openKafka } from "../../../src/topic/kafkajs/open-kafka.ts";
import { withAdmin } from "../../../src/topic/log-client.ts";
import { topicName } from "../../../src/topic/topics.ts";
import { type Isolation, isolate } from "../../support/services/isolation.ts";
import { plainKafka, withPlainAdmin } from "../../support/services/plain-kafka.ts";
import type { TestTape } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";
import { type GuardedKafka, rulesOf, startGuardedKafka } from "./guarded-kafka.ts";

/** What doctor says of Kafka's rights, and of services that are too old. */
const USERS = ["whole", "publisher", "consumer"] as const;
type User = (typeof USERS)[number];

interface Found {
  readonly about: string;
  readonly severity: string;
  readonly code?: string;
  readonly says: string;
  readonly next?: string;
}

let kafka: GuardedKafka;
let place: Isolation;
let config: TestTape["config"];

beforeAll(async () => {
  kafka = await startGuardedKafka(USERS);
  place = await isolate();
  await migrate(place.databaseUrl);
  config = readConfig({ ...place, kafkaBrokers: `127.0.0.1:${kafka.plain}` }, {}) as TestTape["config"];
  await withAdmin(openKafka(config, pino({ level: "silent" })), (admin) => createTopics(admin, config));
  for (const user of ["whole", "publisher"]) await kafka.give(rulesOf("publisher.acl", user, place.namespace));
  for (const user of ["whole", "consumer"]) await kafka.give(rulesOf("consumer.acl", user, place.namespace));
  await kafka.give(rulesOf("reader.acl", "whole", place.namespace));
});
afterAll(() => kafka.stop());

async function doctor(user: User, change: NodeJS.ProcessEnv = {}): Promise<{ code: number; findings: Found[] }> {
  const { code, stdout, stderr } = await tradetape(["doctor", "--json"], {
    DATABASE_URL: place.databaseUrl,
    SCHEMA_REGISTRY_URL: place.schemaRegistryUrl,
    TRADETAPE_NAMESPACE: place.namespace,
    ...kafka.loginOf(user),
    ...change,
  });
  expect(stdout, stderr).not.toBe("");
  return { code, findings: (JSON.parse(stdout) as { findings: Found[] }).findings };
}
const rights = ({ findings }: { findings: readonly Found[] }) =>
  findings.filter(({ about, says }) => about === "rights" && says.startsWith("Kafka"));
const named = (topic: "ticks" | "dead-letters") => topicName(place.namespace, topic);

test("with the rules of ops/acl/ alone who lands and publishes has all he needs, and no group nor message is left", async () => {
  const before = await ends();
  const all = await doctor("whole");
  expect([all.code, rights(all).map(({ severity }) => severity)], JSON.stringify(all)).toEqual([0, ["good", "good"]]);
  expect(await ends()).toEqual(before);
  const { groups } = await withPlainAdmin(plainKafka(config), (admin) => admin.listGroups());
  expect(groups.map(({ groupId }) => groupId)).toEqual([]);
});

const ends = () =>
  withPlainAdmin(plainKafka(config), async (admin) => {
    const names = (await admin.listTopics()).filter((name) => name.startsWith(place.namespace)).toSorted();
    return Promise.all(names.map(async (topic) => [topic, await admin.fetchTopicOffsets(topic)]));
  });

describe("a rule that is taken away is named, with the command that gives it", () => {
  test.each<[string, string, string, () => { severity: string; says: string; next: string }]>([
    [
      "WRITE on a topic of events",
      "publisher.acl",
      "WRITE topic literal ticks",
      () => ({
        severity: "doubtful",
        says: `Kafka doesn't give this user WRITE on ${named("ticks")}:`,
        next: `--add --allow-principal User:whole --operation WRITE --topic ${named("ticks")}\``,
      }),
    ],
    [
      "WRITE on the letters' topic",
      "consumer.acl",
      "WRITE topic literal dead-letters",
      () => ({
        severity: "wrong",
        says: `Kafka doesn't give this user WRITE on ${named("dead-letters")}:`,
        next: `--operation WRITE --topic ${named("dead-letters")}\``,
      }),
    ],
    [
      "READ on groups",
      "consumer.acl",
      "READ group prefixed tradetape.",
      () => ({
        severity: "wrong",
        says: `Kafka doesn't give this user READ on group tradetape.${place.namespace}.`,
        next: "--operation READ --group tradetape. --resource-pattern-type prefixed`",
      }),
    ],
  ])("%s", async (_, file, line, wanted) => {
    const rule = rulesOf(file, "whole", place.namespace, line);
    expect(rule).toHaveLength(1);
    await kafka.take(rule);
    const all = await doctor("whole");
    await kafka.give(rule);
    const { severity, says, next } = wanted();
    expect(all.findings).toContainEqual(
      expect.objectContaining({
        severity,
        code: "acl_missing",
        says: expect.stringContaining(says),
        next: expect.stringContaining(next),
      }),
    );
    expect(all.code).toBe(severity === "wrong" ? 1 : 0);
  });
});

test("who is there to publish or to land alone is told what he can't, and nothing of that is wrong", async () => {
  const told = async (user: User) => rights(await doctor(user)).map(({ severity, says }) => [severity, says]);
  expect(await told("publisher")).toEqual([
    ["good", "Kafka lets this user WRITE to the topics of events"],
    ["told", "Kafka lets this user join no consumer group of this database, so it lands nothing"],
  ]);
  expect(await told("consumer")).toEqual([
    ["good", "Kafka lets this user land: join each group, WRITE its own topics"],
    ["told", "Kafka lets this user WRITE to no topic of events"],
  ]);
});

describe("a registry's age", () => {
  test("is told by Confluent's; one before 5.5 is doubtful", async () => {
    const relay = await oldRegistry(place.schemaRegistryUrl);
    const all = await doctor("whole", { SCHEMA_REGISTRY_URL: relay.url });
    await relay.close();
    expect(all.findings).toContainEqual({
      about: "registry",
      severity: "doubtful",
      says: expect.stringContaining("the registry is 5.4.1, and is older than Confluent's 5.5"),
      next: expect.stringContaining("5.5 or later"),
    });
  });
});

/** The registry, but that it tells its version, and lacks a question as those of that version do. */
async function oldRegistry(url: string): Promise<{ url: string; close(): Promise<void> }> {
  const server = http.createServer(async (request, response) => {
    const path = request.url!;
    const say = (status: number, body: object) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(body));
    };
    if (path === "/v1/metadata/version") return say(200, { version: "5.4.1", commitId: "0" });
    if (/^\/schemas\/ids\/\d+\/versions/.test(path))
      return say(404, { error_code: 404, message: "HTTP 404 Not Found" });
    const answer = await fetch(`${url}${path}`);
    response.writeHead(answer.status, { "content-type": "application/json" });
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

describe("brokers' age is known by the requests that they take", () => {
  const spoken = (change: Readonly<Record<number, { least: number; most: number }>> = {}) =>
    new Map(
      Object.entries({ 0: { least: 0, most: 7 }, 1: { least: 0, most: 10 }, 3: { least: 0, most: 7 }, ...change }).map(
        ([api, versions]) => [Number(api), versions],
      ),
    );

  test.each<[string, ReturnType<typeof spoken>, string, string]>([
    ["Kafka 2.1", spoken(), "told", "Kafka 2.1 or later"],
    [
      "Kafka 2.0",
      spoken({ 3: { least: 0, most: 6 } }),
      "wrong",
      "older than Kafka 2.1: it takes Metadata up to version 6",
    ],
    [
      "a broker that takes no Fetch",
      new Map([[0, { least: 0, most: 7 }]]),
      "wrong",
      "older than Kafka 2.1: it takes Fetch",
    ],
    [
      "one to come",
      spoken({ 1: { least: 12, most: 30 } }),
      "wrong",
      "newer than tradetape knows: it takes Fetch from version 12",
    ],
  ])("%s", (_, versions, severity, says) => {
    expect(kafkaVersionFinding(versions)).toMatchObject({
      about: "kafka",
      severity,
      says: expect.stringContaining(says),
    });
  });
});
