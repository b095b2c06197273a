import type { DecisionEvent, FillEvent, PredictionEvent } from "../event/events.ts";
import { brokenLink } from "../event/rules.ts";

/** Each gives what is wrong as a sentence about the event, or null: the session first, then `links` of schemas/rules.json. */

const sessionOf = (event: { backtest_session_id?: string | null }) => event.backtest_session_id ?? null;
const called = (session: string | null) => (session === null ? "live trading" : `session ${session}`);

/** An unlinked decision is allowed: people decide, too. */
export function wrongDecisionLink(decision: DecisionEvent, prediction: PredictionEvent | null): string | null {
  if (prediction === null) return null;
  const [own, other] = [sessionOf(decision), sessionOf(prediction)];
  if (own !== other) return `the prediction is of ${called(other)}, and this agent acts in ${called(own)}`;
  return brokenLink("decisions", decision, prediction);
}

/** Of what was filled, only by this report alone: the landing knows the others. */
export function wrongFillLink(fill: FillEvent, decision: DecisionEvent): string | null {
  const [own, other] = [sessionOf(fill), sessionOf(decision)];
  if (own !== other) return `the decision is of ${called(other)}, and this agent acts in ${called(own)}`;
  return brokenLink("fills", fill, decision);
}
