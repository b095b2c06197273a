import { type ConsumerOf, parent } from "../src/batch/consumer.ts";
import { sessions } from "./sessions.ts";
import { symbols } from "./symbols.ts";

/** predictions -> model_prediction, once its symbol and session have landed; the first event of an id stays. */
export const predictions: ConsumerOf<"predictions"> = {
  topic: "predictions",
  landing: {
    event: "prediction",
    table: "model_prediction",
    key: ["prediction_id"],
    repeats: "first",
    parents: [parent("symbol_id", symbols), parent("backtest_session_id", sessions)],
    recordColumns: ["published_at", "source_partition", "source_offset"],
  },
  time: "timestamp",
  audit: (prediction) => [{ eventType: "MODEL_RUN", actor: prediction.model_version, success: true }],
  connections: "one",
};
