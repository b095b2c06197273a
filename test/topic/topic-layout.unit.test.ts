import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type Config, readConfig } from "../../src/config.ts";
import { checkTopics, requireGoodTopics } from "../../src/topic/check-topics.ts";
import { createTopics } from "../../src/topic/create-topics.ts";
import type { FoundTopic, LogAdmin, NewTopic } from "../../src/topic/log-client.ts";
import { planTopics, type TopicChange } from "../../src/topic/plan-topics.ts";
import { layoutsBy } from "../../src/topic/topic-layout.ts";
import { TOPIC_NAMES, TOPICS, type TopicName } from "../../src/topic/topics.ts";

const folder = mkdtempSync(join(tmpdir(), "tradetape-layout-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** The settings with a topics file of this text. */
function configOf(text: string): Config {
  const topicsFile = join(folder, "topics.yml");
  writeFileSync(topicsFile, text);
  return readConfig({ topicsFile, kafkaBrokers: "a.example:9092" }, {});
}

const WIDE = `
replication-factor: 3
min-insync-replicas: 2
topics:
  ticks: { partitions: 64, retention-hours: 72 }
  symbols: { partitions: 2 }
  audit: { replication-factor: 5, min-insync-replicas: 4 }
`;

describe("a topics file", () => {
  it("lays out the topics that it names, and the others by their declarations and what it says of all", () => {
    const layoutOf = layoutsBy(configOf(WIDE));
    const all = { replicas: 3, insyncReplicas: 2 };
    expect(layoutOf("ticks")).toEqual({ ...all, partitions: 64, retentionHours: 72 });
    expect(layoutOf("quotes")).toEqual({ ...all, partitions: 4, retentionHours: 168 });
    expect(layoutOf("symbols")).toEqual({ ...all, partitions: 2, retentionHours: -1 });
    expect(layoutOf("audit")).toEqual({ partitions: 1, replicas: 5, insyncReplicas: 4, retentionHours: -1 });
  });

  it.each(TOPIC_NAMES)("that isn't there leaves %s to its declaration and the brokers", (topic) => {
    const layout = layoutsBy(readConfig({}, {}))(topic);
    expect(layout).toMatchObject({
      partitions: TOPICS[topic].partitions,
      replicas: undefined,
      insyncReplicas: undefined,
    });
  });

  it.each([
    ["", "expected object"],
    ["[", "at line 1"],
    ["partitions: 4", 'Unrecognized key: "partitions"'],
    ["topics: { tick: { partitions: 4 } }", "tick"],
    ["topics: { ticks: { partition: 4 } }", 'topics.ticks: Unrecognized key: "partition"'],
    ["topics: { ticks: { partitions: 0 } }", "topics.ticks.partitions"],
    ["topics: { ticks: { partitions: 1.5 } }", "topics.ticks.partitions"],
    ["topics: { ticks: { partitions: '4' } }", "topics.ticks.partitions"],
    ["topics: { ticks: { retention-hours: 0 } }", "would keep nothing"],
    ["topics: { audit: { partitions: 2 } }", "one order"],
    ["topics: { snapshots: { partitions: 2 } }", "one order"],
    ["topics: { dead-letters: { partitions: 2 } }", "one order"],
    ["topics: { sessions: { retention-hours: 24 } }", "for ever"],
    ["replication-factor: 2\nmin-insync-replicas: 3", "acknowledges no event ever"],
    ["replication-factor: 3\ntopics: { fills: { min-insync-replicas: 4 } }", "topics.fills: min-insync-replicas 4"],
    ["topics: {}\ntopics: {}", "unique"],
    ["topics: &a {}\nmore: *a", "Alias"],
  ])("that says %j is refused, and the file and the place are named", (text, what) => {
    const config = configOf(text);
    const refused = expect.objectContaining({ code: "file_unusable", message: expect.stringContaining(what) });
    expect(() => layoutsBy(config)).toThrow(refused);
    expect(() => layoutsBy(config)).toThrow(`TRADETAPE_TOPICS_FILE: ${config.topicsFile}`);
  });

  it("that nobody can read is refused", () => {
    const config = readConfig({ topicsFile: join(folder, "nowhere.yml") }, {});
    expect(() => layoutsBy(config)).toThrow(expect.objectContaining({ code: "file_unusable" }));
  });
});

type Topics = Map<string, FoundTopic & { readonly settings: Map<string, string> }>;

/** A cluster that has these topics and so many brokers, and makes and changes topics as it is told. */
function clusterOf(topics: Topics, brokers = 3): LogAdmin {
  const make = ({ topicName, partitions, replicas = 1, settings }: NewTopic) => {
    const all = { "min.insync.replicas": "1", "unclean.leader.election.enable": "false", ...settings };
    topics.set(topicName, { partitions, replicas, isReady: true, settings: new Map(Object.entries(all)) });
  };
  const admin: Partial<LogAdmin> = {
    fetchTopics: async () => topics,
    requireVisible: async () => undefined,
    fetchSettings: async (names) => new Map(names.map((name) => [name, topics.get(name)!.settings])),
    fetchCluster: async () => ({ clusterId: "c", brokers }),
    createTopics: async (made) => made.forEach(make),
    changeSettings: async (name, settings) => {
      for (const [setting, value] of Object.entries(settings)) topics.get(name)!.settings.set(setting, value);
    },
  };
  return admin as LogAdmin;
}

const of = (changes: readonly TopicChange[], topic: TopicName) => changes.filter((change) => change.topic === topic);

describe("a plan of the topics", () => {
  it("is what --create does then, topic by topic, and of nothing once that is done", async () => {
    const config = configOf(WIDE);
    const topics: Topics = new Map();
    const admin = clusterOf(topics, 5);
    const plan = await planTopics(admin, config);
    expect(plan.map(({ topic, action }) => `${topic} ${action}`)).toEqual(
      TOPIC_NAMES.map((topic) => `${topic} create`),
    );
    const settings = expect.objectContaining({ "retention.ms": String(72 * 3_600_000), "min.insync.replicas": "2" });
    expect(of(plan, "ticks")).toEqual([expect.objectContaining({ partitions: 64, replicas: 3, settings })]);
    expect(topics.size).toBe(0);
    const made = await createTopics(admin, config);
    expect(new Set(made.map(({ state }) => state))).toEqual(new Set(["created"]));
    expect(topics.get("ticks")).toMatchObject({ partitions: 64, replicas: 3 });
    expect(topics.get("audit")).toMatchObject({ partitions: 1, replicas: 5 });
    expect(await planTopics(admin, config)).toEqual([]);
  });

  it("leaves to somebody what an existing topic lacks of its layout, with the commands, and nothing refuses it", async () => {
    const topics: Topics = new Map();
    const admin = clusterOf(topics);
    await createTopics(admin, configOf("replication-factor: 2"));
    const config = configOf("replication-factor: 3\nmin-insync-replicas: 2\ntopics: { ticks: { partitions: 16 } }");
    const [change] = of(await planTopics(admin, config), "ticks");
    const why = [
      "has 4 partitions, should have 16",
      "has 2 replicas, should have 3",
      "min.insync.replicas is 1, should be 2",
    ];
    expect(change).toMatchObject({ action: "by hand", why });
    const { mend } = change as { mend: string };
    expect(mend).toMatch(/--topic ticks --partitions 16.*reassign-partitions.*--add-config min\.insync\.replicas=2/s);
    const reports = await createTopics(admin, config);
    expect(reports.find(({ topic }) => topic === "ticks")).toMatchObject({
      state: "narrow",
      partitions: 4,
      lacks: why,
    });
    expect(() => requireGoodTopics(reports)).not.toThrow();
  });

  it("has a topic that keeps its events for too short a time keep them longer, and never for a shorter time", async () => {
    const topics: Topics = new Map();
    const admin = clusterOf(topics);
    await createTopics(admin, configOf("topics: { ticks: { retention-hours: 24 } }"));
    const longer = configOf("topics: { ticks: { retention-hours: 48 } }");
    const [from, to] = [24, 48].map((hours) => ({ "retention.ms": String(hours * 3_600_000) }));
    expect(await planTopics(admin, longer)).toEqual([
      { topic: "ticks", name: "ticks", action: "lengthen", from, settings: to },
    ]);
    const states = async (config: Config) =>
      (await createTopics(admin, config))
        .filter(({ state }) => state !== "good")
        .map(({ topic, state }) => [topic, state]);
    expect(await states(longer)).toEqual([["ticks", "lengthened"]]);
    expect(await states(configOf("topics: { ticks: { retention-hours: 24 } }"))).toEqual([]);
    expect(topics.get("ticks")!.settings.get("retention.ms")).toBe(to!["retention.ms"]);
  });

  it("is refused where a topic should have more replicas than the cluster has brokers, before anything is made", async () => {
    const topics: Topics = new Map();
    const admin = clusterOf(topics, 2);
    const refused = { code: "topic_misconfigured", message: expect.stringContaining("has 2 brokers") };
    await expect(createTopics(admin, configOf("replication-factor: 3"))).rejects.toMatchObject(refused);
    expect(topics.size).toBe(0);
  });

  it("says with which retention each consumer's start is content: the one of the topics file", async () => {
    const topics: Topics = new Map();
    const admin = clusterOf(topics);
    const short = configOf("topics: { bars: { retention-hours: 24 } }");
    await createTopics(admin, short);
    const bars = async (config: Config) => (await checkTopics(admin, config, ["bars"]))[0]!.state;
    expect([await bars(short), await bars(readConfig({}, {}))]).toEqual(["good", "misconfigured"]);
  });
});
