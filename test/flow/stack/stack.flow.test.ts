import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { SchemaRegistry, SchemaType } from "@kafkajs/confluent-schema-registry";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findCompose } from "../../../src/stack/containers.ts";
import { homeId } from "../../../src/stack/home.ts";
import { startMarkOf } from "../../../src/stack/launch.ts";
import { missingForProcesses } from "../../../src/stack/machine.ts";
import { type Launcher, type Stack, type StackUrls, startStack, stopStack } from "../../../src/stack/stack.ts";
import { assertTestDatabase, isolate } from "../../support/services/isolation.ts";
import { plainKafka } from "../../support/services/plain-kafka.ts";
import { temporaryHome } from "../../support/services/stack.ts";

const SCHEMA = JSON.stringify({ type: "record", name: "Probe", fields: [{ name: "n", type: "int" }] });

async function query(databaseUrl: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

const kafkaOf = (urls: StackUrls) => plainKafka({ kafkaBrokers: urls.kafkaBrokers.split(",") });

async function produce(urls: StackUrls, topic: string, value: string | Buffer): Promise<void> {
  const admin = kafkaOf(urls).admin();
  await admin.connect();
  // Without a limit of its own, so that the broker's is tried.
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] });
  await admin.disconnect();
  const producer = kafkaOf(urls).producer();
  await producer.connect();
  await producer.send({ topic, acks: -1, messages: [{ value }] });
  await producer.disconnect();
}

async function consumeFirst(urls: StackUrls, topic: string): Promise<Buffer | null> {
  const consumer = kafkaOf(urls).consumer({ groupId: `probe-${topic}-${Date.now()}` });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  const first = await new Promise<Buffer | null>((resolve, reject) => {
    consumer.run({ eachMessage: async ({ message }) => resolve(message.value) }).catch(reject);
  });
  await consumer.disconnect();
  return first;
}

const registryOf = (urls: StackUrls) => new SchemaRegistry({ host: urls.schemaRegistryUrl });
const register = async (urls: StackUrls, subject: string) =>
  (await registryOf(urls).register({ type: SchemaType.AVRO, schema: SCHEMA }, { subject })).id;

const missing = await missingForProcesses();
const engine = (await findCompose()) !== undefined;
const launchers: Launcher[] = [
  ...(missing.length === 0 ? ["processes" as const] : []),
  ...(engine ? ["containers" as const] : []),
];
if (missing.length > 0)
  process.stdout.write(`processes launcher not tried, this machine lacks ${missing.join(", ")}\n`);
if (!engine) process.stdout.write("containers launcher not tried: no Docker engine answers, or there is no Compose\n");

describe.each(launchers)("a stack of %s", (launcher) => {
  const home = temporaryHome();
  const otherHome = temporaryHome();
  const lines: string[] = [];
  let stack: Stack;
  let other: Stack;

  beforeAll(async () => {
    const onProgress = (line: string) => lines.push(line);
    [stack, other] = await Promise.all([
      startStack({ home, ports: "random", launcher, detached: true, onProgress }),
      startStack({ home: otherHome, ports: "random", launcher, detached: false }),
    ]);
  });
  afterAll(async () => {
    for (const folder of [home, otherHome]) await stopStack(folder, { purge: true });
  });

  it("answers on all three services", async () => {
    await produce(stack.urls, "probe", "one");
    expect((await consumeFirst(stack.urls, "probe"))?.toString()).toBe("one");
    expect(await query(stack.urls.databaseUrl, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
    expect(await register(stack.urls, "probe-value")).toBeGreaterThan(0);
    expect(lines.filter((line) => line.includes("ready on 127.0.0.1:"))).toHaveLength(3);
  });

  it("takes a message of 8 MiB, as the dead-letters topic must", async () => {
    await produce(stack.urls, "large", Buffer.alloc(8 * 1024 * 1024, 7));
    expect((await consumeFirst(stack.urls, "large"))?.length).toBe(8 * 1024 * 1024);
  });

  it("runs beside another without meeting it", async () => {
    await query(stack.urls.databaseUrl, "CREATE TABLE only_here (n int)");
    expect(await query(other.urls.databaseUrl, "SELECT to_regclass('only_here') AS found")).toEqual([{ found: null }]);
    await produce(other.urls, "there", "two");
    const admin = kafkaOf(stack.urls).admin();
    await admin.connect();
    expect(await admin.listTopics()).not.toContain("there");
    await admin.disconnect();
  });

  it("lets nobody in without the password", async () => {
    const url = new URL(stack.urls.databaseUrl);
    url.password = "guess";
    await expect(query(url.href, "SELECT 1")).rejects.toMatchObject({ code: "28P01" });
  });

  it("is returned as it is when it is started again", async () => {
    const pids = () => readFileSync(join(home, "stack.json"), "utf8");
    const before = pids();
    const again = await startStack({ home, ports: "random", detached: true });
    expect(again.reused).toBe(true);
    expect(again.urls).toEqual(stack.urls);
    await again.stop();
    expect(pids()).toBe(before);
    expect(await query(stack.urls.databaseUrl, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
  });

  it("keeps rows, messages and schema ids through a stop and a start", async () => {
    const id = await register(stack.urls, "kept-value");
    await query(stack.urls.databaseUrl, "CREATE TABLE kept AS SELECT 42 AS n");
    await produce(stack.urls, "kept", "three");
    await stack.stop();
    await expect(query(stack.urls.databaseUrl, "SELECT 1")).rejects.toMatchObject({ code: "ECONNREFUSED" });

    stack = await startStack({ home, ports: "random", detached: true });
    expect(stack.reused).toBe(false);
    expect(await query(stack.urls.databaseUrl, "SELECT n FROM kept")).toEqual([{ n: 42 }]);
    expect((await consumeFirst(stack.urls, "kept"))?.toString()).toBe("three");
    expect(await registryOf(stack.urls).getSchema(id)).toBeDefined();
    expect(await registryOf(stack.urls).getLatestSchemaId("kept-value")).toBe(id);
  });

  const onlyFor = (wanted: Launcher, title: string, check: () => Promise<void>) => {
    // Not a skipped test: the other launcher has the same promise in a test of its own.
    if (launcher === wanted) it(title, check);
  };

  onlyFor(
    "processes",
    "starts again only what has died, on its old port, with the schema id that was handed out last",
    async () => {
      const state = () => JSON.parse(readFileSync(join(home, "stack.json"), "utf8"));
      const pidOf = (name: string) => state().programs.find((p: { name: string }) => p.name === name).pid as number;
      const [registry, kafka] = [pidOf("registry"), pidOf("kafka")];
      const id = await register(stack.urls, "crash-value");
      process.kill(registry, "SIGKILL");
      await expect.poll(() => startMarkOf(registry)).toBeUndefined();
      const healed = await startStack({ home, ports: "random", detached: true });
      expect(healed.urls).toEqual(stack.urls);
      expect(pidOf("kafka")).toBe(kafka);
      expect(pidOf("registry")).not.toBe(registry);
      expect(await registryOf(healed.urls).getLatestSchemaId("crash-value")).toBe(id);
    },
  );

  onlyFor("containers", "remembers the schema id that was handed out last when its registry is killed", async () => {
    const id = await register(stack.urls, "crash-value");
    const [program, ...words] = (await findCompose()) ?? [""];
    const inProject = ["-p", `tradetape-${homeId(home)}`];
    expect(spawnSync(program, [...words, ...inProject, "kill", "registry"]).status).toBe(0);
    const healed = await startStack({ home, ports: "random", detached: true });
    expect(healed.urls).toEqual(stack.urls);
    expect(await registryOf(healed.urls).getLatestSchemaId("crash-value")).toBe(id);
  });

  it("refuses to be started by the other launcher, which can't read its data", async () => {
    expect(await stopStack(home, { purge: false })).toBe("stopped");
    const wanted = launcher === "processes" ? "containers" : "processes";
    const started = startStack({ home, ports: "random", launcher: wanted, detached: true });
    const message = expect.stringContaining(`belong to the ${launcher} launcher`);
    await expect(started).rejects.toMatchObject({ code: "stack_unavailable", message });
  });

  it("leaves nothing behind after a purge", async () => {
    expect(await stopStack(home, { purge: true })).toBe("nothing ran");
    expect(existsSync(home)).toBe(false);
    expect(await stopStack(otherHome, { purge: true })).toBe("stopped");
    expect(existsSync(otherHome)).toBe(false);
  });
});

describe("the run's own services", () => {
  it("give a test file an empty database that destructive steps may use", async () => {
    const { databaseUrl } = await isolate();
    await assertTestDatabase(databaseUrl);
    await query(databaseUrl, "CREATE TABLE left_over (n int)");
    const again = await isolate();
    expect(await query(again.databaseUrl, "SELECT to_regclass('left_over') AS found")).toEqual([{ found: null }]);
  });

  it("refuse a destructive step on a database that isn't a test's", async () => {
    const url = new URL((await isolate()).databaseUrl);
    url.pathname = "/postgres";
    await expect(assertTestDatabase(url.href)).rejects.toThrow("postgres is not a test's database");
  });
});
