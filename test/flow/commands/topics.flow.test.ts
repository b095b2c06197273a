import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import kafkajs from "kafkajs";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { type Config, readConfig } from "../../../src/config.ts";
import { openLog } from "../../../src/log.ts";
import { checkTopics } from "../../../src/topic/check-topics.ts";
import { createTopics } from "../../../src/topic/create-topics.ts";
import { openKafka } from "../../../src/topic/kafkajs/open-kafka.ts";
import { type LogClient, withAdmin } from "../../../src/topic/log-client.ts";
import { planTopics } from "../../../src/topic/plan-topics.ts";
import { RawPublisher } from "../../../src/topic/publish/raw-publish.ts";
import { TOPIC_NAMES } from "../../../src/topic/topics.ts";
import "../../support/services/flow-setup.ts";
import { plainKafka, withPlainAdmin } from "../../support/services/plain-kafka.ts";
import { readLog } from "../../support/services/topic-log.ts";

const namespace = `topics-${Date.now().toString(36)}`;
const log = openLog({ logLevel: "warn" });
const warnings: string[] = [];
const collect = (warning: Error) => warnings.push(warning.name);
let config: Config;
let client: LogClient;

beforeAll(async () => {
  process.on("warning", collect);
  const { kafkaBrokers } = inject("stack");
  config = readConfig({ kafkaBrokers, namespace }, {});
  client = openKafka(config, log);
});

afterAll(() => {
  process.off("warning", collect);
});

it("creates the missing topics with their settings, once, and finds them good", async () => {
  await withAdmin(client, async (admin) => {
    const before = await checkTopics(admin, config);
    expect(new Set(before.map(({ state }) => state))).toEqual(new Set(["missing"]));
    const made = await createTopics(admin, config);
    expect(made.map(({ topic, state }) => `${topic} ${state}`)).toEqual(TOPIC_NAMES.map((topic) => `${topic} created`));
    const again = await createTopics(admin, config);
    expect(new Set(again.map(({ state }) => state))).toEqual(new Set(["good"]));
  });
});

it("plans what it would create, without creating it, and then plans nothing; a topics file lays out what is new", async () => {
  const topicsFile = join(mkdtempSync(join(tmpdir(), "tradetape-topics-")), "topics.yml");
  writeFileSync(topicsFile, "min-insync-replicas: 1\ntopics: { ticks: { partitions: 16, retention-hours: 24 } }");
  const { kafkaBrokers } = inject("stack");
  const own = readConfig({ kafkaBrokers, namespace: `${namespace}-plan`, topicsFile }, {});
  await withAdmin(client, async (admin) => {
    const planned = async () => (await planTopics(admin, own)).map(({ topic, action }) => `${topic} ${action}`);
    expect(await planned()).toEqual(TOPIC_NAMES.map((topic) => `${topic} create`));
    expect(await planned()).toEqual(TOPIC_NAMES.map((topic) => `${topic} create`));
    const made = await createTopics(admin, own);
    const ticks = made.find(({ topic }) => topic === "ticks");
    expect(ticks).toMatchObject({ state: "created", partitions: 16, retentionMs: 86_400_000 });
    expect(await planned()).toEqual([]);
    writeFileSync(topicsFile, "topics: { ticks: { partitions: 32 } }");
    expect(await planned()).toEqual(["ticks lengthen", "ticks by hand"]);
  });
  rmSync(dirname(topicsFile), { recursive: true });
});

it("creates what two processes create at the same time", async () => {
  const other = readConfig({ kafkaBrokers: inject("stack").kafkaBrokers, namespace: `${namespace}-race` }, {});
  const both = await Promise.all([1, 2].map(() => withAdmin(client, (admin) => createTopics(admin, other))));
  for (const reports of both) expect(reports.every(({ state }) => state === "good" || state === "created")).toBe(true);
});

const change = (topic: string, entries: Readonly<Record<string, string>>) =>
  withPlainAdmin(plainKafka(config), async (admin) => {
    const type = kafkajs.ConfigResourceTypes.TOPIC;
    const configEntries = Object.entries(entries).map(([name, value]) => ({ name, value }));
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type, name: `${namespace}.${topic}`, configEntries }],
    });
  });

it("has a topic of an older version keep its events, and leaves its other settings as they are", async () => {
  await change("fills", { "max.message.bytes": "1000000", "retention.ms": "604800000", "retention.bytes": "1000000" });
  await withAdmin(client, async (admin) => {
    const fills = async () => (await checkTopics(admin, config)).find(({ topic }) => topic === "fills")!;
    await expect.poll(fills).toMatchObject({ retentionMs: 604_800_000, state: "misconfigured" });
    expect((await fills()).differences).toContainEqual(
      expect.stringContaining("retention.ms is 604800000, should be -1"),
    );
    await createTopics(admin, config);
    await expect.poll(fills).toMatchObject({ retentionMs: -1 });
    expect((await fills()).differences.filter((text) => text.startsWith("retention"))).toEqual([]);
    const larger = expect.stringContaining("max.message.bytes is 1000000, should be 4194304");
    expect((await fills()).differences).toContainEqual(larger);
    expect((await fills()).mend).toContain(`--entity-name ${namespace}.fills --add-config`);
  });
});

it("never has a topic keep its events for a shorter time, and finds a longer one good", async () => {
  const settings = {
    "message.timestamp.type": "LogAppendTime",
    "max.message.bytes": "8000000",
    "retention.bytes": "-1",
  };
  await change("ticks", { ...settings, "retention.ms": "-1" });
  await withAdmin(client, async (admin) => {
    const ticks = async () => (await createTopics(admin, config)).find(({ topic }) => topic === "ticks")!;
    await expect.poll(ticks).toMatchObject({ retentionMs: -1, state: "good", differences: [], mend: null });
  });
});

it("tells what the topics take on the brokers' disks", async () => {
  const publisher = await RawPublisher.open(client);
  const value = Buffer.alloc(100_000, 1);
  await publisher.publish([{ topicName: `${namespace}.quotes`, partition: 1, key: null, value }]);
  await publisher.close();
  const bytes = await withAdmin(client, (admin) => admin.fetchBytes());
  expect(bytes.get(`${namespace}.quotes`)).toBeGreaterThan(100_000);
  expect(bytes.get(`${namespace}.quotes`)).toBeLessThan(200_000);
  expect(bytes.get(`${namespace}.symbols`)).toBe(0);
});

it("names what differs from the declaration, and changes nothing of it", async () => {
  await change("bars", { "cleanup.policy": "compact" });
  await withPlainAdmin(plainKafka(config), (admin) =>
    admin.createPartitions({ topicPartitions: [{ topic: `${namespace}.bars`, count: 5 }] }),
  );
  await withAdmin(client, async (admin) => {
    const differences = async () => (await createTopics(admin, config)).find(({ topic }) => topic === "bars");
    await expect.poll(differences).toMatchObject({ state: "misconfigured", partitions: 5 });
    const report = await differences();
    expect(report?.differences[0]).toContain("cleanup.policy is compact, should be delete");
    expect(report?.differences.filter((text) => text.includes("partitions"))).toEqual([]);
    expect(await differences()).toEqual(report);
  });
});

const AUDIT = () => ({ topicName: `${namespace}.audit`, partition: 0 });

it("publishes ready-made messages in order, byte for byte, in as many requests as it takes", async () => {
  const publisher = await RawPublisher.open(client);
  const large = Buffer.alloc(700_000, 7);
  const messages = [
    { ...AUDIT(), key: null, value: Buffer.from("a"), headers: { reason: "why", raw: Buffer.from([0xff, 0]) } },
    { ...AUDIT(), key: Buffer.from("k"), value: null },
    { ...AUDIT(), key: null, value: large },
    { ...AUDIT(), key: null, value: large },
    { topicName: `${namespace}.ticks`, partition: 3, key: Buffer.from("any"), value: Buffer.from("b") },
  ];
  await Promise.all([
    publisher.publish(messages),
    publisher.publish([{ ...AUDIT(), key: null, value: Buffer.from("z") }]),
  ]);
  await publisher.close();
  const logged = await readLog(config, `${namespace}.audit`);
  expect(logged.map(({ key, value }) => [key, value?.length])).toEqual([
    [null, 1],
    ["k", undefined],
    [null, 700_000],
    [null, 700_000],
    [null, 1],
  ]);
  expect(logged[0]?.headers).toEqual({ reason: Buffer.from("why"), raw: Buffer.from([0xff, 0]) });
  expect(await readLog(config, `${namespace}.ticks`)).toMatchObject([{ partition: 3, key: "any" }]);
});

it("calls a topic that isn't there missing, and a broker that isn't there unreachable", async () => {
  const missing = withAdmin(client, (admin) => admin.fetchOffsets(`${namespace}.nothing`));
  await expect(missing).rejects.toMatchObject({ code: "topic_missing", canRetry: false });
  const nowhere = openKafka({ ...config, kafkaBrokers: ["127.0.0.1:1"] }, openLog({ logLevel: "silent" }));
  await expect(withAdmin(nowhere, async () => 1)).rejects.toMatchObject({ code: "broker_unreachable", canRetry: true });
  await expect(RawPublisher.open(nowhere)).rejects.toMatchObject({ code: "broker_unreachable", canRetry: true });
});

it("lets kafkajs cause no warning of Node's", () => {
  expect(warnings).toEqual([]);
});
