import { type ConsumerOf, parent } from "../src/batch/consumer.ts";
import { predictions } from "./predictions.ts";
import { sessions } from "./sessions.ts";
import { symbols } from "./symbols.ts";

/** decisions -> trade_decision, once its symbol, prediction and session have landed; the first event of an id stays. */
export const decisions: ConsumerOf<"decisions"> = {
  topic: "decisions",
  landing: {
    event: "decision",
    table: "trade_decision",
    key: ["decision_id"],
    repeats: "first",
    parents: [
      parent("symbol_id", symbols),
      parent("model_reference", predictions),
      parent("backtest_session_id", sessions),
    ],
    recordColumns: ["published_at", "source_partition", "source_offset"],
    // What it rests on, which programs have told only since these fields are there: what they publish again is no conflict.
    notContent: ["price_source", "decision_price", "inputs", "known_until", "features_sha256"],
  },
  time: "timestamp",
  audit: (decision) => {
    const actor = decision.strategy_id ?? "unnamed strategy";
    const taken = { eventType: "TRADE_DECISION", actor, success: true };
    return decision.approved ? [taken, { eventType: "TRADE_SUBMIT", actor, success: true }] : [taken];
  },
  connections: "one",
};
