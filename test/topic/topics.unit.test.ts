import { describe, expect, it } from "vitest";
import { EVENT_BY_TOPIC, EVENT_SCHEMAS, EVENT_TOPICS } from "../../src/event/schemas.ts";
import { requireGoodTopics } from "../../src/topic/check-topics.ts";
import { TOPIC_NAMES, TOPICS, topicName } from "../../src/topic/topics.ts";

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

describe("requireGoodTopics", () => {
  const good = {
    topic: "ticks",
    name: "p.ticks",
    state: "good",
    partitions: 4,
    isCompacted: false,
    retentionMs: 604_800_000,
    differences: [],
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
    const differences = ["has 3 partitions, should have 4", "cleanup.policy is compact, should be delete"];
    const mend = "Run what mends them.";
    const wrong = { ...good, state: "misconfigured", differences, mend } as const;
    expect(() => requireGoodTopics([wrong])).toThrow(expect.objectContaining({ code: "topic_misconfigured" }));
    expect(() => requireGoodTopics([wrong])).toThrow(`p.ticks: ${differences.join("; ")}`);
    expect(() => requireGoodTopics([wrong])).toThrow(expect.objectContaining({ next: expect.stringContaining(mend) }));
  });
});
