import type { Consumer } from "../src/batch/consumer.ts";
import { SESSION_PARENT, SYMBOL_PARENT } from "../src/table/rows/landing-table.ts";

/** decisions -> trade_decision, once its symbol, prediction and session have landed; the first event of an id stays. */
export const decisions: Consumer<"decisions"> = {
  topic: "decisions",
  landing: {
    event: "decision",
    table: "trade_decision",
    key: ["decision_id"],
    path: "staged",
    repeats: "first",
    parents: [
      SYMBOL_PARENT,
      {
        column: "model_reference",
        topic: "predictions",
        table: "model_prediction",
        key: "prediction_id",
        hasSession: true,
      },
      SESSION_PARENT,
    ],
    recordColumns: ["published_at", "source_partition", "source_offset"],
  },
  time: "timestamp",
  audit: (decision) => {
    const actor = decision.strategy_id ?? "unnamed strategy";
    const taken = { eventType: "TRADE_DECISION", actor, success: true };
    return decision.approved ? [taken, { eventType: "TRADE_SUBMIT", actor, success: true }] : [taken];
  },
};
