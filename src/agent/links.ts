import type { DecisionEvent, FillEvent, PredictionEvent } from "../event/events.ts";

/** Each gives what is wrong as the end of a sentence ("the prediction is of another symbol"), or null. */

const sessionOf = (event: { backtest_session_id?: string | null }) => event.backtest_session_id ?? null;
const called = (session: string | null) => (session === null ? "live trading" : `session ${session}`);

/** An unlinked decision is allowed: people decide, too. */
export function wrongDecisionLink(decision: DecisionEvent, prediction: PredictionEvent | null): string | null {
  if (prediction === null) return null;
  if (prediction.symbol_id !== decision.symbol_id) {
    return `the prediction ${prediction.prediction_id} is of another symbol`;
  }
  const [own, other] = [sessionOf(decision), sessionOf(prediction)];
  if (own !== other) return `the prediction is of ${called(other)}, and this agent acts in ${called(own)}`;
  if (decision.timestamp < prediction.timestamp) return "the decision is of an earlier time than its prediction";
  return null;
}

/** Reports may come before their decision's time: two clocks. They may come to more than was ordered: brokers do. */
export function wrongFillLink(fill: FillEvent, decision: DecisionEvent): string | null {
  const [own, other] = [sessionOf(fill), sessionOf(decision)];
  if (own !== other) return `the decision is of ${called(other)}, and this agent acts in ${called(own)}`;
  if (decision.action === "HOLD") return "the decision is to HOLD, so nothing can come of it";
  if (fill.status === "FILLED" && !decision.approved) return "the decision was not approved, so nothing may be filled";
  if (fill.symbol_id !== decision.symbol_id) return `the decision ${decision.decision_id} is of another symbol`;
  return null;
}
