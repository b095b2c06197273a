import { describe, expect, test } from "vitest";
import { Agent, type AgentOptions } from "../../src/agent/agent.ts";
import type { Draft } from "../../src/agent/draft.ts";
import { TradetapeError } from "../../src/errors.ts";
import { eventId, strategyId } from "../../src/event/identity.ts";
import type { EventTopic } from "../../src/event/schemas.ts";
import { idOf, NOON, SYMBOL_ID } from "../support/samples.ts";

const OPTIONS = { actor: "bot", modelVersion: "model-3", strategyId: strategyId("plain") };

function agentOf(change: Partial<AgentOptions> = {}) {
  const sent: (Pick<Draft<EventTopic>, "topic" | "headers"> & { readonly event: object })[] = [];
  let failing = 0;
  const publish = async <T extends EventTopic>(draft: Draft<T>) => {
    if (failing-- > 0) throw new Error("no answer");
    sent.push(draft);
  };
  const records = { calls: async () => [], join: async () => null };
  const parts = { publish, publishRecord: publish, warn: () => {}, atClose: () => {}, records };
  const agent = new Agent({ ...OPTIONS, now: () => NOON, ...change }, parts);
  return { agent, sent, failNext: () => (failing = 1) };
}

/** What a call was refused with; fails when it wasn't. */
async function refusal(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(TradetapeError);
  expect((error as TradetapeError).code).toBe("input_invalid");
  return (error as TradetapeError).message;
}

const BUY = { action: "BUY", size: 10, approved: true } as const;
const FILLED = { status: "FILLED", quantity: 10, executed_price: 101, broker: "paper" } as const;

describe("an agent's events", () => {
  test("join up: the decision names its prediction, the fill its decision, with symbol and session of each", async () => {
    const session = idOf("session");
    const { agent } = agentOf({ session });
    const prediction = await agent.predict("bar 1", { symbol_id: SYMBOL_ID, probability_up: 0.6 });
    const decision = await agent.decide("bar 1", { prediction, ...BUY });
    const fill = await agent.fill("x1", { decision, ...FILLED });
    expect(prediction).toMatchObject({ model_version: "model-3", backtest_session_id: session, timestamp: NOON });
    expect(decision).toMatchObject({
      model_reference: prediction.prediction_id,
      symbol_id: SYMBOL_ID,
      strategy_id: OPTIONS.strategyId,
      backtest_session_id: session,
    });
    expect(fill).toMatchObject({
      decision_id: decision.decision_id,
      symbol_id: SYMBOL_ID,
      broker_execution_id: "x1",
      latency_ms: 0,
      backtest_session_id: session,
    });
  });

  test("carry the workflow, what caused them, and the actor in their headers", async () => {
    const { agent, sent } = agentOf();
    const bar = idOf("bar 1");
    const prediction = await agent.predict("bar 1", { symbol_id: SYMBOL_ID }, { causationId: bar });
    const decision = await agent.decide("bar 1", { prediction, ...BUY });
    await agent.fill("x1", { decision, ...FILLED });
    await agent.decide("by hand", { symbol_id: SYMBOL_ID, action: "HOLD", approved: false });
    const root = prediction.prediction_id;
    expect(sent.map(({ headers }) => headers)).toEqual([
      { "correlation-id": root, "causation-id": bar, actor: "bot" },
      { "correlation-id": root, "causation-id": root, actor: "bot" },
      { "correlation-id": root, "causation-id": decision.decision_id, actor: "bot" },
      { "correlation-id": (sent[3]!.event as { decision_id: string }).decision_id, actor: "bot" },
    ]);
  });

  test("take a correlation id of the caller's own", async () => {
    const { agent, sent } = agentOf();
    await agent.predict("bar 1", { symbol_id: SYMBOL_ID }, { correlationId: "intent 7" });
    expect(sent[0]!.headers["correlation-id"]).toBe("intent 7");
  });

  test("have the same id for the same key, and another for another key, symbol, actor, model, strategy or session", async () => {
    const predicted = async (key: string, symbol: string, change: Partial<AgentOptions> = {}) =>
      (await agentOf(change).agent.predict(key, { symbol_id: symbol })).prediction_id;
    const decided = async (key: string, symbol: string, change: Partial<AgentOptions> = {}) =>
      (await agentOf(change).agent.decide(key, { symbol_id: symbol, ...BUY })).decision_id;
    expect(await predicted("k", SYMBOL_ID)).toBe(await predicted("k", SYMBOL_ID));
    expect(await decided("k", SYMBOL_ID)).toBe(await decided("k", SYMBOL_ID));
    const other = idOf("another symbol");
    const session = idOf("session");
    const ids = await Promise.all([
      predicted("k", SYMBOL_ID),
      predicted("l", SYMBOL_ID),
      predicted("k", other),
      predicted("k", SYMBOL_ID, { actor: "other" }),
      predicted("k", SYMBOL_ID, { modelVersion: "model-4" }),
      predicted("k", SYMBOL_ID, { session }),
      decided("k", SYMBOL_ID),
      decided("l", SYMBOL_ID),
      decided("k", other),
      decided("k", SYMBOL_ID, { actor: "other" }),
      decided("k", SYMBOL_ID, { strategyId: strategyId("other") }),
      decided("k", SYMBOL_ID, { session }),
    ]);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("have their own ids and links, also where the event before was spread into the next one", async () => {
    const { agent } = agentOf();
    const [rise, fall] = [
      await agent.predict("1", { symbol_id: SYMBOL_ID }),
      await agent.predict("2", { symbol_id: SYMBOL_ID }),
    ];
    const { prediction_id, ...again } = await agent.predict("2", { ...rise });
    expect([prediction_id, again.timestamp]).toEqual([fall.prediction_id, NOON]);
    const {
      model_reference: _none,
      strategy_id: _own,
      ...plain
    } = await agent.decide("1", { prediction: rise, ...BUY });
    const second = await agent.decide("2", { ...plain, prediction: fall });
    expect(second.decision_id).toBe((await agent.decide("2", { prediction: fall, ...BUY })).decision_id);
    const part = await agent.fill("x1", { decision: second, ...FILLED, quantity: 4 });
    const other = await agent.decide("3", { symbol_id: idOf("other"), ...BUY });
    const rest = await agent.fill("x2", { ...part, decision: other, quantity: 6 });
    expect(rest).toMatchObject({ decision_id: other.decision_id, symbol_id: idOf("other") });
    expect(rest.execution_id).toBe((await agent.fill("x2", { decision: other, ...FILLED })).execution_id);
  });

  test("tell what they are made of, and hand the source of their prices on", async () => {
    const { agent } = agentOf();
    const bar = { kind: "bar", id: idOf("bar"), value: 184.25 } as const;
    const inputs = [{ ...bar, known_at: new Date("2024-03-05T14:30:00Z") }, bar];
    const known_until = new Date("2024-03-05T14:30:00Z");
    const told = { symbol_id: SYMBOL_ID, price_source: "lean", horizon: "1d", inputs, known_until };
    const prediction = await agent.predict("k", told);
    expect(JSON.parse(prediction.inputs!)).toEqual([{ ...bar, known_at: NOON }, bar]);
    const decision = await agent.decide("k", { prediction, ...BUY, decision_price: 184.25 });
    const fill = await agent.fill("x", { decision, ...FILLED, priced_at: BigInt(NOON) * 1000n });
    expect([prediction, decision, fill].map(({ price_source }) => price_source)).toEqual(["lean", "lean", "lean"]);
    expect([prediction.known_until, decision.known_until, fill.priced_at]).toEqual([NOON, null, NOON]);
    const other = await agent.decide("l", { prediction, ...BUY, price_source: "raw" });
    expect([other.price_source, other.inputs]).toEqual(["raw", null]);
    const at = (known_at: string) => agent.predict("l", { symbol_id: SYMBOL_ID, inputs: [{ ...bar, known_at }] });
    await expect(at("2024-03-05T14:30:00")).rejects.toThrow('predictions: inputs "2024-03-05T14:30:00" has no zone');
    const odd = agent.predict("l", { symbol_id: SYMBOL_ID, inputs: [{ ...bar, value: Number.NaN }] });
    await expect(odd).rejects.toThrow("predictions: inputs item 0 must have as value a finite number");
  });

  test("keep the time of a key's first use, so that a retry after a lost answer is the same event", async () => {
    let now = NOON;
    const { agent, sent, failNext } = agentOf({ now: () => now++ });
    failNext();
    await expect(agent.predict("k", { symbol_id: SYMBOL_ID })).rejects.toThrow("no answer");
    await agent.predict("k", { symbol_id: SYMBOL_ID });
    await agent.predict("l", { symbol_id: SYMBOL_ID });
    expect(sent.map(({ event }) => (event as { timestamp: number }).timestamp)).toEqual([NOON, NOON + 1]);
  });

  test("have their latency counted from the decision, and none where the column can't hold it", async () => {
    const { agent } = agentOf();
    const decision = await agent.decide("k", { symbol_id: SYMBOL_ID, ...BUY });
    const latency = async (timestamp: number) => (await agent.fill("x", { decision, ...FILLED, timestamp })).latency_ms;
    expect(await latency(NOON + 2_500_000)).toBe(2500);
    expect(await latency(NOON + 30 * 86_400_000_000)).toBeNull();
  });

  test("are the same, in microseconds, in whatever form their times are given", async () => {
    const nanos = BigInt(NOON) * 1000n;
    const forms = [
      NOON,
      new Date(NOON / 1000),
      new Date(NOON / 1000).toISOString(),
      nanos,
      { epochNanoseconds: nanos },
    ];
    const told = await Promise.all(
      forms.map(async (timestamp) => {
        const { agent } = agentOf();
        const prediction = await agent.predict("k", { symbol_id: SYMBOL_ID, timestamp });
        const decision = await agent.decide("k", { prediction, timestamp, ...BUY });
        const fill = await agent.fill("k", { decision, timestamp, ...FILLED });
        const times = { window_start: timestamp, window_end: timestamp, as_of: timestamp, revised_at: timestamp };
        return [prediction, decision, fill, await agent.perform({ total_trades: 1, ...times })];
      }),
    );
    expect(told[0]).toMatchObject([
      { timestamp: NOON },
      { timestamp: NOON },
      { timestamp: NOON },
      { revised_at: NOON },
    ]);
    for (const one of told) expect(one).toEqual(told[0]);
  });

  test("name a performance row by strategy, symbol, window and session", async () => {
    const { agent } = agentOf();
    const window = { window_start: NOON, window_end: NOON + 1, total_trades: 1 };
    const first = await agent.perform({ ...window, win_rate: 0.5 });
    expect(await agent.perform({ ...window, win_rate: 1 })).toMatchObject({ performance_id: first.performance_id });
    expect(await agent.perform({ ...window, symbol_id: SYMBOL_ID })).not.toMatchObject({
      performance_id: first.performance_id,
    });
    expect(first.performance_id).toBe(
      eventId("performance", [OPTIONS.strategyId, null, String(NOON), String(NOON + 1), null]),
    );
  });
});

describe("an agent refuses, before anything is sent,", () => {
  const { agent, sent } = agentOf();
  const made = async () => {
    const prediction = await agent.predict("k", { symbol_id: SYMBOL_ID });
    return { prediction, decision: await agent.decide("k", { prediction, ...BUY }) };
  };
  const other = agentOf({ session: idOf("session") }).agent;

  test.each([
    ["a probability above 1", { probability_up: 1.01 }, "predictions: probability_up must lie in 0 to 1"],
    ["a negative confidence", { confidence_score: -0.1 }, "predictions: confidence_score must lie in 0 to 1"],
    [
      "a price that is no number",
      { predicted_price: Number.NaN },
      "predictions: predicted_price must be a finite number",
    ],
    ["a time without a zone", { timestamp: "2024-03-05T14:30:00" }, "has no zone"],
    ["a symbol that is no id", { symbol_id: "IBM" }, "symbol_id must be a UUID"],
  ])("a prediction with %s", async (_what, change, sentence) => {
    expect(await refusal(agent.predict("k", { symbol_id: SYMBOL_ID, ...change }))).toContain(sentence);
  });

  test("a prediction without a key", async () => {
    expect(await refusal(agent.predict("", { symbol_id: SYMBOL_ID }))).toContain("key must be given");
  });

  test.each([
    ["a negative size", { size: -1 }, "size must not be negative"],
    ["no size", { size: undefined as never }, "size must be a finite number"],
    ["HOLD and a size", { action: "HOLD" }, "size must be 0 when action is HOLD"],
    ["another symbol than its prediction's", { symbol_id: idOf("other") }, "symbol_id must be that of its prediction"],
    ["a time before its prediction's", { timestamp: NOON - 1 }, "timestamp must not lie before that of its prediction"],
  ] as const)("a decision with %s", async (_what, change, sentence) => {
    const { prediction } = await made();
    const { size = 10, ...rest } = change as { size?: number };
    const fields = {
      prediction,
      ...BUY,
      ...("size" in change ? { ...rest, size: change.size as number } : { ...rest, size }),
    };
    expect(await refusal(agent.decide("k", fields))).toContain(sentence);
  });

  test("a decision in another session than its prediction's, or of no symbol", async () => {
    const { prediction } = await made();
    expect(await refusal(other.decide("k", { prediction, ...BUY }))).toContain("the prediction is of live trading");
    expect(await refusal(agent.decide("k", { ...BUY }))).toContain("symbol_id must be given");
  });

  test.each([
    ["no price", { executed_price: null }, "executed_price must be given when status is FILLED"],
    ["nothing filled", { quantity: 0 }, "quantity must be above 0 when status is FILLED"],
    ["a size though rejected", { status: "REJECTED" }, "quantity must be 0 when status is REJECTED"],
    ["a broker without a name", { broker: "" }, "broker must be given"],
  ] as const)("a fill with %s", async (_what, change, sentence) => {
    const { decision } = await made();
    expect(await refusal(agent.fill("x", { decision, ...FILLED, ...change }))).toContain(sentence);
  });

  test.each([
    ["a time before its decision's", { timestamp: NOON - 1 }, "timestamp must not lie before that of its decision"],
    ["more than was ordered", { quantity: 10.1 }, "quantity must not bring what was filled above the size"],
  ] as const)("a fill with %s", async (_what, change, sentence) => {
    const { decision } = await made();
    expect(await refusal(agent.fill("x", { decision, ...FILLED, ...change }))).toContain(sentence);
  });

  test("a fill of a HOLD, of a decision that was not approved, or of another session's", async () => {
    const { decision } = await made();
    const hold = { ...decision, action: "HOLD", size: 0 } as const;
    expect(await refusal(agent.fill("x", { decision: hold, ...FILLED }))).toContain("to HOLD");
    expect(await refusal(agent.fill("x", { decision: { ...decision, approved: false }, ...FILLED }))).toContain(
      "not approved",
    );
    expect(await refusal(other.fill("x", { decision, ...FILLED }))).toContain("the decision is of live trading");
  });

  test("performance of a window that ends before it starts, or with a win rate above 1", async () => {
    const window = { window_start: NOON, window_end: NOON - 1, total_trades: 1 };
    expect(await refusal(agent.perform(window))).toContain("window_end must not lie before window_start");
    expect(await refusal(agent.perform({ ...window, window_end: NOON, win_rate: 1.5 }))).toContain("win_rate");
  });

  test("an identity that no row could carry", () => {
    expect(() => agentOf({ strategyId: "plain" })).toThrow("strategyId(name) makes one");
    expect(() => agentOf({ session: "march" })).toThrow("session must be the UUID");
    expect(() => agentOf({ actor: "" })).toThrow("actor must not be empty");
  });

  test("and sends nothing of it", async () => {
    const before = sent.length;
    await refusal(agent.predict("k", { symbol_id: SYMBOL_ID, probability_up: 2 }));
    expect(sent.length).toBe(before);
  });
});
