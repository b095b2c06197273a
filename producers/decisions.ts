import { draftDecision } from "../src/agent/draft.ts";
import { type AgentIdentity, identityOf } from "../src/agent/fields.ts";
import { jsonLines } from "../src/feed/formats/json-lines.ts";
import { producerOf } from "../src/feed/producer.ts";
import { POLICY, Policy, type PolicySettings, type PolicyState } from "../src/strategy/policy.ts";
import type { Program } from "../src/stream/program.ts";

/** What agents decided, from JSON lines. */
export const decisions = producerOf("decisions", [jsonLines("decisions")]);

type SavedTraders = readonly (readonly [symbol: string, trader: { policy: PolicyState; decidedUs: number }])[];

interface Trader {
  readonly policy: Policy;
  decidedUs: number;
}

/**
 * predictions -> decisions: one for every prediction of our model in our session, at its time, by the policy of
 * src/strategy/policy.ts. A decision that a risk filter objects to is published, too, not approved, with the filter's
 * name and numbers as its reason. What the policy remembers follows from the predictions: a restart reads them all.
 */
export function decisionsOnPredictions(by: AgentIdentity, settings: PolicySettings = POLICY): Program<SavedTraders> {
  return {
    name: "decisions",
    reads: ["predictions"],
    snapshot: { version: 1, settings: { ...identityOf(by), ...settings } },
    open: (_isWhole, saved = []) => {
      const traders = new Map<string, Trader>(
        saved.map(([symbol, { policy, decidedUs }]) => [symbol, { policy: new Policy(settings, policy), decidedUs }]),
      );
      return {
        take: (record) => {
          if (record.topic !== "predictions") return [];
          const prediction = record.event;
          const { symbol_id, timestamp, model_version, probability_up, confidence_score } = prediction;
          if (prediction.backtest_session_id !== (by.session ?? null) || model_version !== by.modelVersion) return [];
          if (probability_up === null) return [];
          const trader = traders.get(symbol_id) ?? {
            policy: new Policy(settings),
            decidedUs: Number.NEGATIVE_INFINITY,
          };
          traders.set(symbol_id, trader);
          // A prediction that was published twice, or comes from the past, was decided on or is too late to act on.
          if (timestamp <= trader.decidedUs) return [];
          trader.decidedUs = timestamp;
          const verdict = trader.policy.decide({
            timestamp,
            probabilityUp: probability_up,
            confidence: confidence_score ?? 0,
          });
          return [draftDecision(by, prediction.prediction_id, { prediction, timestamp, ...verdict })];
        },
        save: () =>
          [...traders].map(([symbol, { policy, decidedUs }]) => [symbol, { policy: policy.save(), decidedUs }]),
      };
    },
  };
}
