import type { Consumer } from "../src/batch/consumer.ts";
import { SESSION_PARENT, SYMBOL_PARENT } from "../src/table/rows/landing-table.ts";

/** predictions -> model_prediction, once its symbol and session have landed; the first event of an id stays. */
export const predictions: Consumer<"predictions"> = {
  topic: "predictions",
  landing: {
    event: "prediction",
    table: "model_prediction",
    key: ["prediction_id"],
    path: "staged",
    repeats: "first",
    parents: [SYMBOL_PARENT, SESSION_PARENT],
    recordColumns: ["published_at", "source_partition", "source_offset"],
  },
  time: "timestamp",
  audit: (prediction) => [{ eventType: "MODEL_RUN", actor: prediction.model_version, success: true }],
};
