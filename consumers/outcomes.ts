import { type ConsumerOf, parent } from "../src/batch/consumer.ts";
import { predictions } from "./predictions.ts";
import { sessions } from "./sessions.ts";
import { symbols } from "./symbols.ts";

/** outcomes -> prediction_outcome, once its prediction, symbol and session have landed; the greatest revision stays. */
export const outcomes: ConsumerOf<"outcomes"> = {
  topic: "outcomes",
  landing: {
    event: "outcome",
    table: "prediction_outcome",
    key: ["outcome_id"],
    repeats: "revised",
    parents: [
      parent("symbol_id", symbols),
      parent("prediction_id", predictions),
      parent("backtest_session_id", sessions),
    ],
    recordColumns: ["published_at", "source_partition", "source_offset"],
  },
  time: "timestamp",
  audit: (outcome) => [{ eventType: "PREDICTION_OUTCOME", actor: outcome.model_version, success: true }],
  connections: "one",
};
