import kafkajs, { type Kafka } from "kafkajs";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { type Config, readConfig } from "../../../src/config.ts";
import { openLog } from "../../../src/log.ts";
import { brokerFault, openKafka, withAdmin } from "../../../src/topic/client.ts";
import { fetchClusterId, fetchOffsets, fetchOffsetsAt } from "../../../src/topic/offsets.ts";
import { RawPublisher } from "../../../src/topic/publish/raw-publish.ts";
import { checkTopics, createTopics, TOPIC_NAMES } from "../../../src/topic/topics.ts";
import "../../support/services/flow-setup.ts";
import { readLog } from "../../support/services/topic-log.ts";

const namespace = `topics-${Date.now().toString(36)}`;
const log = openLog({ logLevel: "warn" });
const warnings: string[] = [];
const collect = (warning: Error) => warnings.push(warning.name);
let config: Config;
let kafka: Kafka;

beforeAll(async () => {
  process.on("warning", collect);
  const { kafkaBrokers } = inject("stack");
  config = readConfig({ kafkaBrokers, namespace }, {});
  kafka = openKafka(config, log);
});

afterAll(() => {
  process.off("warning", collect);
});

it("creates the missing topics with their settings, once, and finds them good", async () => {
  await withAdmin(kafka, async (admin) => {
    const before = await checkTopics(admin, config);
    expect(new Set(before.map(({ state }) => state))).toEqual(new Set(["missing"]));
    const made = await createTopics(admin, config);
    expect(made.map(({ topic, state }) => `${topic} ${state}`)).toEqual(TOPIC_NAMES.map((topic) => `${topic} created`));
    const again = await createTopics(admin, config);
    expect(new Set(again.map(({ state }) => state))).toEqual(new Set(["good"]));
  });
});

it("creates what two processes create at the same time", async () => {
  const other = readConfig({ kafkaBrokers: inject("stack").kafkaBrokers, namespace: `${namespace}-race` }, {});
  const both = await Promise.all([1, 2].map(() => withAdmin(kafka, (admin) => createTopics(admin, other))));
  for (const reports of both) expect(reports.every(({ state }) => state === "good" || state === "created")).toBe(true);
});

it("names what differs from the declaration, and changes nothing", async () => {
  await withAdmin(kafka, async (admin) => {
    const type = kafkajs.ConfigResourceTypes.TOPIC;
    const configEntries = [{ name: "cleanup.policy", value: "compact" }];
    await admin.alterConfigs({ validateOnly: false, resources: [{ type, name: `${namespace}.bars`, configEntries }] });
    await admin.createPartitions({ topicPartitions: [{ topic: `${namespace}.bars`, count: 5 }] });
    const differences = async () => (await createTopics(admin, config)).find(({ topic }) => topic === "bars");
    await expect.poll(differences).toMatchObject({ state: "misconfigured", partitions: 5 });
    const report = await differences();
    expect(report?.differences[0]).toBe("has 5 partitions, should have 4");
    expect(report?.differences).toContain("cleanup.policy is compact, should be delete");
    expect(await differences()).toEqual(report);
  });
});

const AUDIT = () => ({ topicName: `${namespace}.audit`, partition: 0 });

it("publishes ready-made messages in order, byte for byte, in as many requests as it takes", async () => {
  const publisher = await RawPublisher.open(kafka);
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
  const logged = await readLog(kafka, `${namespace}.audit`);
  expect(logged.map(({ key, value }) => [key, value?.length])).toEqual([
    [null, 1],
    ["k", undefined],
    [null, 700_000],
    [null, 700_000],
    [null, 1],
  ]);
  expect(logged[0]?.headers).toEqual({ reason: Buffer.from("why"), raw: Buffer.from([0xff, 0]) });
  expect(await readLog(kafka, `${namespace}.ticks`)).toMatchObject([{ partition: 3, key: "any" }]);
});

it("tells what a log holds: its ends, the offset at a time, the cluster's id", async () => {
  await withAdmin(kafka, async (admin) => {
    const name = `${namespace}.audit`;
    expect(await fetchOffsets(admin, name)).toEqual([{ partition: 0, low: 0, high: 5 }]);
    expect(await fetchOffsetsAt(admin, name, 0)).toEqual(new Map([[0, 0]]));
    expect(await fetchOffsetsAt(admin, name, Date.now() + 3_600_000)).toEqual(new Map([[0, 5]]));
    expect(await fetchClusterId(admin)).toMatch(/^\S{10,}$/);
  });
});

it("calls a topic that isn't there missing, and a broker that isn't there unreachable", async () => {
  const missing = withAdmin(kafka, (admin) => fetchOffsets(admin, `${namespace}.nothing`));
  await expect(missing).rejects.toMatchObject({ code: "topic_missing", canRetry: false });
  const nowhere = openKafka({ ...config, kafkaBrokers: ["127.0.0.1:1"] }, openLog({ logLevel: "silent" }));
  await expect(withAdmin(nowhere, async () => 1)).rejects.toMatchObject({ code: "broker_unreachable", canRetry: true });
  await expect(RawPublisher.open(nowhere)).rejects.toMatchObject({ code: "broker_unreachable", canRetry: true });
  const bug = new TypeError("ours");
  expect(brokerFault(bug)).toBe(bug);
});

it("reads batches of every compression a topic may carry", async () => {
  const { CompressionTypes: types } = kafkajs;
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  const text = "184.2500,100,P".repeat(500);
  for (const compression of [types.None, types.GZIP, types.Snappy, types.LZ4, types.ZSTD]) {
    const messages = [1, 2].map((n) => ({ partition: 0, value: `${compression} ${n} ${text}` }));
    await producer.send({ topic: `${namespace}.symbols`, acks: -1, compression, messages });
  }
  await producer.disconnect();
  const values = (await readLog(kafka, `${namespace}.symbols`)).map(({ value }) => String(value));
  expect(values).toEqual([0, 1, 2, 3, 4].flatMap((codec) => [1, 2].map((n) => `${codec} ${n} ${text}`)));
});

it("lets kafkajs cause no warning of Node's", () => {
  expect(warnings).toEqual([]);
});
