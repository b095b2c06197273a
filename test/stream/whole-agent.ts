import { decisionsOnPredictions } from "../../producers/decisions.ts";
import { fillsOfDecisions } from "../../producers/fills.ts";
import { indicatorsOfBars } from "../../producers/indicators.ts";
import { performanceOfFills } from "../../producers/performance.ts";
import { predictionsOfIndicators } from "../../producers/predictions.ts";
import type { AnyDraft } from "../../src/agent/draft.ts";
import type { BarEvent } from "../../src/event/events.ts";
import { barId, strategyId, symbolId } from "../../src/event/identity.ts";
import { MODEL_VERSION } from "../../src/strategy/model.ts";
import { PAPER } from "../../src/strategy/paper/paper-broker.ts";
import { POLICY } from "../../src/strategy/policy.ts";
import type { Program } from "../../src/stream/program.ts";
import type { Dice } from "../chaos/dice.ts";
import { bar, idOf, session } from "../support/samples.ts";

const DAY = 86_400_000_000;
export const START = Date.UTC(2019, 0, 1) * 1000;
/** So many bars a symbol must have before the model, which asks for an average of 200 closes, says anything. */
export const WARM_UP = 200;
const SESSION = idOf("session");
const BY = { actor: "bot", modelVersion: MODEL_VERSION, strategyId: strategyId("whole"), session: SESSION };

const TRADED = { interval: "1d", source: null };

/** The programs that have snapshots, in the order of the flow. */
export const AGENT: readonly Program[] = [
  indicatorsOfBars({ interval: "1d", actor: BY.actor, session: SESSION }),
  predictionsOfIndicators(BY, TRADED),
  decisionsOnPredictions(BY, TRADED, { ...POLICY, entry: 0.5, confidenceMin: 0, cooldownUs: DAY }),
  fillsOfDecisions(BY, TRADED, { ...PAPER, outOfOrder: true }),
  performanceOfFills(BY, { interval: "1d", source: null, capital: 100_000 }),
];

const draft = (event: BarEvent): AnyDraft => ({
  topic: "bars",
  event: { ...event, market_data_id: barId(event) } as Required<BarEvent>,
  headers: {},
});

export const sessionDraft = (): AnyDraft => ({
  topic: "sessions",
  event: session({ backtest_session_id: SESSION, started_at: START, ended_at: START + 1000 * DAY }),
  headers: {},
});

/** Days of two symbols whose prices wander enough to be traded: some bars come late, some are revised. */
export function wanderingBars(dice: Dice, days: number): AnyDraft[] {
  const all: { readonly comes: number; readonly event: BarEvent }[] = [];
  for (const ticker of ["ALPHA", "BRAVO"]) {
    let price = 100;
    for (let day = 0; day < days; day++) {
      price *= 0.97 + 0.06 * dice.next();
      const of = {
        symbol_id: symbolId(ticker, null),
        timestamp: START + day * DAY,
        interval: "1d",
        ends_at: START + (day + 1) * DAY,
      };
      const prices = { open: price, high: price * 1.01, low: price * 0.99, close: price };
      const event = bar(day, { ...of, ...prices, revised_at: START + day });
      all.push({ comes: day + (dice.happens(0.03) ? dice.between(1, 5) : 0), event });
      const revised = { ...event, close: price * 1.001, revised_at: START + days + day };
      if (dice.happens(0.02)) all.push({ comes: day + dice.between(1, 30), event: revised });
    }
  }
  return all.sort((a, b) => a.comes - b.comes).map(({ event }) => draft(event));
}
