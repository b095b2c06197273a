import { describe, expect, expectTypeOf, it } from "vitest";
import { CONSUMER_OF, CONSUMERS } from "../../consumers/all.ts";
import { sessions } from "../../consumers/sessions.ts";
import { symbols } from "../../consumers/symbols.ts";
import { copiesDirectly, parent } from "../../src/batch/consumer.ts";
import { EVENT_TOPICS } from "../../src/event/schemas.ts";
import { stageStatements } from "../../src/table/landing/stage.ts";
import { gatesSessions, hasSessions, type LandingTableOf, mayLackSymbol } from "../../src/table/rows/landing-table.ts";
import { TOPICS } from "../../src/topic/topics.ts";

const topicsWhere = (is: (consumer: (typeof CONSUMERS)[number]) => boolean) =>
  CONSUMERS.filter(is).map(({ topic }) => topic);

describe("the consumer groups", () => {
  it("are one for each topic of events", () => {
    expect(CONSUMERS.map(({ topic }) => topic).toSorted()).toEqual(EVENT_TOPICS.toSorted());
    expect(Object.entries(CONSUMER_OF).filter(([name, { topic }]) => name !== topic)).toEqual([]);
  });

  it("come in the order of landing: parents before children, and the audit trail last", () => {
    const place = (topic: string) => CONSUMERS.findIndex((consumer) => consumer.topic === topic);
    const early = CONSUMERS.flatMap(({ topic, landing }) =>
      landing.parents.filter((parent) => place(parent.topic) >= place(topic)).map((parent) => [topic, parent.topic]),
    );
    expect(early).toEqual([]);
    expect(CONSUMERS.at(-1)?.topic).toBe("audit");
  });
});

/** Said where a list below is a decision: what a new topic's declaration brings with it shall be seen by somebody. */
const DECIDED = "this follows from the topic's declaration; if it is meant, add the topic here";

describe("a topic", () => {
  it("whose group has several connections has a key and more than one partition to share among them", () => {
    const several = topicsWhere(({ connections }) => connections === "several");
    expect(several).not.toEqual([]);
    for (const topic of several) {
      expect(TOPICS[topic], topic).toMatchObject({
        key: expect.any(String),
        partitions: expect.toSatisfy((n) => n > 1),
      });
    }
  });
});

describe("what follows from a declaration", () => {
  it("is whether rows go by COPY straight into the table: without parents, chain and entries of their own", () => {
    expect(topicsWhere(copiesDirectly), DECIDED).toEqual(["ticks", "quotes", "bars", "indicators", "contents"]);
    const ticks = { ...CONSUMER_OF.ticks, partitionedByDay: false as const };
    const { parents } = CONSUMER_OF.predictions.landing;
    expect(copiesDirectly({ ...ticks, landing: { ...ticks.landing, parents } })).toBe(false);
    expect(copiesDirectly({ ...ticks, landing: { ...ticks.landing, chained: true } })).toBe(false);
    expect(copiesDirectly({ ...ticks, audit: () => [] })).toBe(false);
    expect(copiesDirectly({ ...ticks, audit: "none" })).toBe(true);
  });

  it("is whether events belong to a session: they name one that isn't they, and can be taken out again", () => {
    const those = [
      "ticks",
      "quotes",
      "bars",
      "indicators",
      "predictions",
      "decisions",
      "fills",
      "performance",
      "outcomes",
      "contents",
      "calls",
    ];
    expect(
      topicsWhere(({ landing }) => hasSessions(landing)),
      DECIDED,
    ).toEqual(those);
  });

  it("is whether a batch passes the session gate: its events have sessions, and don't park for them", () => {
    expect(
      topicsWhere(({ landing }) => gatesSessions(landing)),
      DECIDED,
    ).toEqual(["ticks", "quotes", "bars", "indicators", "contents"]);
  });

  it("is whether a row may name a symbol that never landed: no parent of it is one", () => {
    expect(
      topicsWhere(({ landing }) => mayLackSymbol(landing)),
      DECIDED,
    ).toEqual(["ticks", "quotes", "bars", "indicators"]);
  });

  it("has a session among its parents if it has any, or else it is no declaration by its type", () => {
    const { landing } = CONSUMER_OF.predictions;
    const [symbol, session] = [parent("symbol_id", symbols), parent("backtest_session_id", sessions)];
    const sessionless = { ...landing, parents: [symbol] as const };
    expectTypeOf(sessionless).not.toExtend<LandingTableOf<"predictions">>();
    expectTypeOf({ ...landing, parents: [symbol, session] as const }).toExtend<LandingTableOf<"predictions">>();
    expect(() => stageStatements(sessionless)).toThrow("model_prediction has parents and no session among them");
  });

  it("is a parent's table, key and session, as the parent's own consumer has them", () => {
    expect(CONSUMER_OF.decisions.landing.parents).toEqual([
      { column: "symbol_id", topic: "symbols", table: "symbol", key: "symbol_id", hasSession: false },
      {
        column: "model_reference",
        topic: "predictions",
        table: "model_prediction",
        key: "prediction_id",
        hasSession: true,
      },
      {
        column: "backtest_session_id",
        topic: "sessions",
        table: "backtest_session",
        key: "backtest_session_id",
        hasSession: false,
      },
    ]);
  });
});
