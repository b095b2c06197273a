import { describe, expect, it } from "vitest";
import { readConfig } from "../../src/config.ts";
import { EVENT_BY_TOPIC, EVENT_SCHEMAS, EVENT_TOPICS } from "../../src/event/schemas.ts";
import { checkTopics, requireGoodTopics } from "../../src/topic/check-topics.ts";
import type { LogAdmin } from "../../src/topic/log-client.ts";
import { layoutsBy } from "../../src/topic/topic-layout.ts";
import { settingsOfNew } from "../../src/topic/topic-settings.ts";
import { TOPIC_NAMES, TOPICS, type TopicName, topicName } from "../../src/topic/topics.ts";

describe("the table of topics", () => {
  it.each(EVENT_TOPICS)("keys %s by a text field that every event has, or has one partition", (topic) => {
    const { key, partitions } = TOPICS[topic];
    const field = EVENT_SCHEMAS[EVENT_BY_TOPIC[topic]].fields.find(({ name }) => name === key);
    if (key === null) expect(partitions).toBe(1);
    else expect(field).toMatchObject({ nullable: false, hasDefault: false });
  });

  it("has every event's topic the letters' one, and the snapshots' one", () => {
    expect(TOPIC_NAMES).toEqual([...EVENT_TOPICS, "dead-letters", "snapshots"]);
  });

  it("puts the namespace and a dot before a name", () => {
    expect(topicName("", "ticks")).toBe("ticks");
    expect(topicName("paper", "dead-letters")).toBe("paper.dead-letters");
  });
});

const BROKERS = "a.example:9092,b.example:9092";

/** What is found of `topic`, which differs by this from a new one, on a cluster of so many brokers. */
async function found(
  topic: TopicName,
  change: {
    readonly partitions?: number;
    readonly replicas?: number;
    readonly brokers?: number;
    readonly settings?: Readonly<Record<string, string>>;
    readonly config?: Parameters<typeof readConfig>[0];
  },
) {
  const config = readConfig({ compactedTopics: "refuse", kafkaBrokers: BROKERS, ...change.config }, {});
  const { partitions } = TOPICS[topic];
  const there = { partitions, isReady: true, replicas: 3, ...change };
  const brokers = { "min.insync.replicas": "2", "unclean.leader.election.enable": "false" };
  const settings = { ...brokers, ...settingsOfNew(topic, config, layoutsBy(config)(topic)), ...change.settings };
  const admin: Pick<LogAdmin, "fetchTopics" | "fetchSettings" | "fetchCluster"> = {
    fetchTopics: async () => new Map([[topic, there]]),
    fetchSettings: async () => new Map([[topic, new Map(Object.entries(settings))]]),
    fetchCluster: async () => ({ clusterId: "c", brokers: change.brokers ?? 3 }),
  };
  const [report] = await checkTopics(admin as LogAdmin, config, [topic]);
  return report!;
}

describe("a topic on the cluster", () => {
  it.each(TOPIC_NAMES)("%s is good as it is made", async (topic) => {
    expect(await found(topic, {})).toMatchObject({ state: "good", differences: [], risks: [], mend: null });
  });

  it.each([
    { partitions: 8 },
    { partitions: 16, replicas: 2 },
    { settings: { "retention.ms": "-1" } },
    { settings: { "retention.ms": "604800001" } },
    { settings: { "max.message.bytes": "4194305" } },
    { settings: { "segment.bytes": "1048576", "compression.type": "zstd", "min.insync.replicas": "3" } },
  ])("is good with more than is asked of it: %o", async (change) => {
    expect(await found("ticks", change)).toMatchObject({ state: "good", differences: [], mend: null });
  });

  it.each([
    ["ticks", { settings: { "retention.ms": "604799999" } }, "events would be deleted", "tradetape topics --create"],
    ["bars", { settings: { "retention.ms": "604800000" } }, "events would be deleted", "tradetape topics --create"],
    ["ticks", { settings: { "retention.bytes": "1000000" } }, "events would be deleted", "tradetape topics --create"],
    ["ticks", { settings: { "max.message.bytes": "4194303" } }, "would be refused", "max.message.bytes=4194304"],
    [
      "ticks",
      { settings: { "message.timestamp.type": "CreateTime" } },
      "clocks",
      "message.timestamp.type=LogAppendTime",
    ],
    ["ticks", { settings: { "cleanup.policy": "compact" } }, "of their key", "cleanup.policy=delete"],
    ["ticks", { settings: { "cleanup.policy": "compact,delete" } }, "of their key", "cleanup.policy=delete"],
    ["snapshots", { settings: { "cleanup.policy": "delete" } }, "by their age", "cleanup.policy=compact"],
  ] as const)(
    "%s is refused where a promise breaks, says why, and what mends it: %o",
    async (topic, change, why, mend) => {
      const report = await found(topic, change);
      expect(report).toMatchObject({ state: "misconfigured", differences: [expect.stringContaining(why)] });
      expect(report.mend).toContain(mend);
    },
  );

  it("is narrow with fewer partitions than are declared, which breaks no promise, and is landed all the same", async () => {
    const report = await found("ticks", { partitions: 3 });
    expect(report).toMatchObject({ state: "narrow", differences: [], lacks: ["has 3 partitions, should have 4"] });
    expect(report.mend).toContain("--alter --topic ticks --partitions 4");
    expect(() => requireGoodTopics([report])).not.toThrow();
  });

  it.each([{ partitions: 3 }, { settings: { "cleanup.policy": "compact" } }])(
    "is mended by a command that can be typed as it stands, with the brokers of the settings: %o",
    async (change) => {
      const { mend } = await found("ticks", change);
      expect(mend).toContain(`--bootstrap-server ${BROKERS} --alter`);
      expect(mend).not.toMatch(/[A-Z]{4}|command-config/);
      const overTls = await found("ticks", { ...change, config: { kafkaSsl: "true" } });
      expect(overTls.mend).toContain("--command-config");
    },
  );

  it.each([
    [{ replicas: 1, settings: { "min.insync.replicas": "1" } }, "has 1 replica"],
    [{ settings: { "min.insync.replicas": "1" } }, "on one broker only"],
    [{ replicas: 2, settings: { "min.insync.replicas": "3" } }, "no event is ever acknowledged"],
    [{ settings: { "unclean.leader.election.enable": "true" } }, "lacks acknowledged events"],
  ])("of several brokers is good, and warned of where events may be lost: %o", async (change, risk) => {
    expect(await found("ticks", change)).toMatchObject({ state: "good", risks: [expect.stringContaining(risk)] });
  });

  it("of one broker is warned of nothing, because it can't be otherwise there", async () => {
    const change = { brokers: 1, replicas: 1, settings: { "min.insync.replicas": "1" } };
    expect(await found("ticks", change)).toMatchObject({ state: "good", risks: [] });
  });
});

describe("requireGoodTopics", () => {
  const good = {
    topic: "ticks",
    name: "p.ticks",
    state: "good",
    partitions: 4,
    isCompacted: false,
    retentionMs: 604_800_000,
    differences: [],
    lacks: [],
    risks: [],
    mend: null,
  } as const;

  it("passes topics that are as declared", () => {
    expect(() => requireGoodTopics([good, { ...good, state: "created" }])).not.toThrow();
  });

  it("names each missing topic", () => {
    const missing = { ...good, state: "missing", name: "p.bars" } as const;
    expect(() => requireGoodTopics([good, missing])).toThrow(expect.objectContaining({ code: "topic_missing" }));
    expect(() => requireGoodTopics([good, missing])).toThrow("p.bars");
  });

  it("names each setting that differs", () => {
    const differences = ["max.message.bytes is 1, should be 2", "cleanup.policy is compact, should be delete"];
    const mend = "Run what mends them.";
    const wrong = { ...good, state: "misconfigured", differences, mend } as const;
    expect(() => requireGoodTopics([wrong])).toThrow(expect.objectContaining({ code: "topic_misconfigured" }));
    expect(() => requireGoodTopics([wrong])).toThrow(`p.ticks: ${differences.join("; ")}`);
    expect(() => requireGoodTopics([wrong])).toThrow(expect.objectContaining({ next: expect.stringContaining(mend) }));
  });
});
