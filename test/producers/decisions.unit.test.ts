import { describe, expect, test } from "vitest";
import { decisionsOnPredictions } from "../../producers/decisions.ts";
import type { DecisionEvent, PredictionEvent } from "../../src/event/events.ts";
import { strategyId } from "../../src/event/identity.ts";
import { POLICY } from "../../src/strategy/policy.ts";
import fc from "../support/random/fast-check.ts";
import { idOf, NOON, prediction, SYMBOL_ID } from "../support/samples.ts";
import { published, recordOf } from "./machine.ts";

const DAY = 86_400_000_000;
const SESSION = idOf("session");
const BY = { actor: "bot", modelVersion: "model-7", strategyId: strategyId("plain"), session: SESSION };
const POLICY_HERE = { ...POLICY, cooldownUs: 0, confidenceMin: 0 };

const told = (id: string, n: number, probability_up: number | null, change: Partial<PredictionEvent> = {}) => {
  const of = { backtest_session_id: SESSION, price_source: "one", horizon: "1d", inputs: null, known_until: null };
  const event = { prediction_id: idOf(id), timestamp: NOON + n * DAY, probability_up, ...of, ...change };
  return recordOf("predictions", prediction(0, event));
};
const machine = (source: string | null = null) =>
  decisionsOnPredictions(BY, { interval: "1d", source }, POLICY_HERE).open(() => true);
const decided = (records: Parameters<typeof published>[1], source: string | null = null) =>
  published<Required<DecisionEvent>>(machine(source), records);
const brief = ({ model_reference, action, approved, timestamp }: DecisionEvent) =>
  [model_reference, action, approved, (timestamp - NOON) / DAY] as const;

describe("every prediction", () => {
  test("is decided on once by its id: two of one time, and one that was published twice", () => {
    const some = [told("a", 3, 0.7), told("b", 3, 0.2)];
    expect(decided([...some, ...some]).map(brief)).toEqual([
      [idOf("a"), "BUY", true, 3],
      [idOf("b"), "SELL", true, 3],
    ]);
  });

  test("of an earlier time than the last decision is held, for it is too late to act on", () => {
    const one = machine();
    const [buy, late] = published<Required<DecisionEvent>>(one, [told("a", 3, 0.7), told("b", 2, 0.2)]);
    expect([brief(buy!), brief(late!)]).toEqual([
      [idOf("a"), "BUY", true, 3],
      [idOf("b"), "HOLD", false, 3],
    ]);
    expect(late!.reason).toBe("late: a prediction of 2024-03-08T14:30:00.000Z came before it");
    expect(one.counts!()).toEqual({ late: 1, unsure: 0 });
    // What was bought is still there to be sold.
    expect(published<DecisionEvent>(one, [told("c", 4, 0.2)]).map(brief)).toEqual([[idOf("c"), "SELL", true, 4]]);
  });

  test("gets a decision, none before the one before it, and the same ones when some are published twice", () => {
    const some = fc.array(fc.record({ n: fc.integer({ min: 0, max: 9 }), p: fc.constantFrom(0.2, 0.5, 0.7) }));
    fc.assert(
      fc.property(some, fc.infiniteStream(fc.boolean()), (all, isTwice) => {
        const records = all.map(({ n, p }, i) => told(`${i}`, n, p));
        const once = decided(records);
        expect(once.map(({ model_reference }) => model_reference)).toEqual(all.map((_, i) => idOf(`${i}`)));
        expect(once.map(({ timestamp }) => timestamp)).toEqual(once.map(({ timestamp }) => timestamp).toSorted());
        const again = records.flatMap((record, i) => (isTwice.next().value ? [record, records[i >> 1]!] : [record]));
        expect(decided(again)).toEqual(once);
      }),
    );
  });

  test("that may be one of those which were forgotten is counted, and not decided on again", () => {
    const one = machine();
    const many = Array.from({ length: 2500 }, (_, n) => told(`${n}`, n / 100, 0.5));
    expect(published(one, [...many, ...many])).toHaveLength(2500);
    expect(one.counts!()).toEqual({ late: 0, unsure: 1001 });
  });
});

describe("a decision", () => {
  test("has its prediction's source, and the price that was seen, and names both", () => {
    const bar = { kind: "bar", id: idOf("bar"), known_at: NOON, value: 184.25 };
    const inputs = JSON.stringify([{ ...bar, kind: "indicator" }, bar]);
    const record = told("a", 3, 0.7, { inputs, known_until: NOON + 3 * DAY });
    const [decision] = decided([record]);
    expect(decision).toMatchObject({ price_source: "one", decision_price: 184.25, known_until: NOON + 3 * DAY });
    const own = { kind: "prediction", id: idOf("a"), known_at: record.publishedUs, value: 0.7 };
    expect(JSON.parse(decision!.inputs!)).toEqual([own, bar]);
  });

  test("has no price where its prediction names none, or bars of which nobody knows which was meant", () => {
    const bar = { kind: "bar", id: idOf("bar"), value: 184.25 };
    const of = (...bars: object[]) => decided([told("a", 3, 0.7, { inputs: JSON.stringify(bars) })])[0]!.decision_price;
    expect([of(), of(bar, bar), of({ ...bar, value: undefined }), of(bar)]).toEqual([null, null, null, 184.25]);
  });

  test("isn't taken on predictions of another horizon, model, session, or on no chance", () => {
    const others = [{ horizon: "1h" }, { model_version: "other" }, { backtest_session_id: null }];
    expect(decided(others.map((change, n) => told(`${n}`, n, 0.7, change)))).toEqual([]);
    expect(decided([told("a", 3, null), told("b", 3, 0.7, { horizon: null })])).toHaveLength(1);
  });
});

describe("predictions of two sources of one symbol", () => {
  const both = [
    told("a", 3, 0.7),
    told("b", 3, 0.7, { price_source: null }),
    told("c", 4, 0.2, { price_source: "other" }),
  ];

  test("are refused, by both names and what to do", () => {
    const sentence = `symbol ${SYMBOL_ID} has predictions of the source "one" and of "other"`;
    expect(() => decided(both)).toThrow(sentence);
  });

  test("are told apart by the one that is traded", () => {
    expect(decided(both, "other").map(brief)).toEqual([
      [idOf("b"), "BUY", true, 3],
      [idOf("c"), "SELL", true, 4],
    ]);
  });

  test("of two symbols are two books", () => {
    const elsewhere = told("d", 4, 0.7, { price_source: "other", symbol_id: idOf("elsewhere") });
    expect(decided([told("a", 3, 0.7), elsewhere])).toHaveLength(2);
  });
});
