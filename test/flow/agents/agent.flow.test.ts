import { afterAll, beforeAll, expect, test } from "vitest";
import { TradetapeError } from "../../../src/errors.ts";
import { strategyId } from "../../../src/event/identity.ts";
import { idOf, NOON, SYMBOL_ID, session, symbol } from "../../support/samples.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";

let tape: TestTape;

beforeAll(async () => {
  tape = await openTestTape();
  await tape.publish("symbols", symbol());
  await tape.publish("sessions", session());
  await tape.land("symbols", "sessions");
});

afterAll(() => tape?.stop());

const OPTIONS = { actor: "momentum-bot", modelVersion: "momentum-3", strategyId: strategyId("momentum") };
const FILLED = { status: "FILLED", executed_price: 101.5, broker: "paper" } as const;

/** One workflow: a prediction, the decision on it, two partial fills. */
async function trade(agent: ReturnType<TestTape["agent"]>, key: string) {
  const prediction = await agent.predict(
    key,
    { symbol_id: SYMBOL_ID, timestamp: NOON, probability_up: 0.62 },
    { causationId: idOf("bar") },
  );
  const decided = { action: "BUY", size: 10, approved: true, reason: "p 0.62 over 0.55", timestamp: NOON } as const;
  const decision = await agent.decide(key, { prediction, ...decided });
  const first = await agent.fill(`${key}-1`, { decision, ...FILLED, quantity: 6, timestamp: NOON + 5000 });
  const second = await agent.fill(`${key}-2`, { decision, ...FILLED, quantity: 4, timestamp: NOON + 9000 });
  return { prediction, decision, fills: [first, second] };
}

test("prediction, decision and fills join up in the tables, whatever lands first", async () => {
  const agent = tape.agent(OPTIONS);
  const { prediction, decision, fills } = await trade(agent, "joined");
  const tallies = await tape.land("fills", "decisions", "predictions");
  expect([tallies.fills.dead, tallies.decisions.dead, tallies.predictions.dead]).toEqual([0, 0, 0]);
  const rows = await tape.query(
    `SELECT prediction_id, decision_id, execution_id, d.strategy_id, e.latency_ms
     FROM model_prediction p JOIN trade_decision d ON d.model_reference = p.prediction_id
       JOIN trade_execution e USING (decision_id) WHERE prediction_id = $1 ORDER BY latency_ms`,
    [prediction.prediction_id],
  );
  expect(rows).toEqual(
    fills.map(({ execution_id, latency_ms }) => ({
      prediction_id: prediction.prediction_id,
      decision_id: decision.decision_id,
      execution_id,
      strategy_id: OPTIONS.strategyId,
      latency_ms,
    })),
  );
});

test("a workflow published again under the same keys adds no row and no audit entry", async () => {
  const agent = tape.agent(OPTIONS);
  await trade(agent, "again");
  await tape.land();
  const counts = () =>
    tape.query(`SELECT (SELECT count(*) FROM model_prediction) AS predictions, (SELECT count(*) FROM trade_decision) AS decisions,
      (SELECT count(*) FROM trade_execution) AS fills, (SELECT count(*) FROM audit_log) AS audit,
      (SELECT count(*) FROM tradetape.dead_letter) AS letters`);
  const before = await counts();
  await trade(tape.agent(OPTIONS), "again");
  const { predictions, decisions, fills } = await tape.land();
  expect([predictions.duplicate, decisions.duplicate, fills.duplicate]).toEqual([1, 1, 2]);
  expect(await counts()).toEqual(before);
});

test("the audit log has one workflow under one correlation id, with the actor and what caused each step", async () => {
  const own = idOf("session");
  const { prediction, decision } = await trade(tape.agent({ ...OPTIONS, session: own }), "audited");
  await tape.land();
  const rows = await tape.query(
    `SELECT event_type, actor, payload->>'causation_id' AS cause, backtest_session_id AS session
     FROM audit_log WHERE correlation_id = $1 ORDER BY event_type`,
    [prediction.prediction_id],
  );
  const entry = (event_type: string, cause: string) => ({ event_type, actor: "momentum-bot", cause, session: own });
  expect(rows).toEqual([
    entry("MODEL_RUN", idOf("bar")),
    entry("TRADE_DECISION", prediction.prediction_id),
    entry("TRADE_EXECUTION", decision.decision_id),
    entry("TRADE_EXECUTION", decision.decision_id),
    entry("TRADE_SUBMIT", prediction.prediction_id),
  ]);
});

test("a refused call publishes nothing", async () => {
  const agent = tape.agent(OPTIONS);
  const ends = async () =>
    (await tape.admin((admin) => admin.fetchTopicOffsets(tape.name("predictions")))).map((p) => p.high);
  const before = await ends();
  const refused = agent.predict("refused", { symbol_id: SYMBOL_ID, probability_up: 1.2 });
  await expect(refused).rejects.toThrow(TradetapeError);
  await expect(refused).rejects.toThrow("probability_up must lie in 0 to 1");
  expect(await ends()).toEqual(before);
});
