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
    // What it rests on, which programs have told only since these fields are there: what they publish again is no conflict.
    notContent: ["price_source", "horizon", "inputs", "known_until", "features_sha256"],
  },
  time: "timestamp",
  audit: (prediction) => [{ eventType: "MODEL_RUN", actor: prediction.model_version, success: true }],
  connections: "one",
};
