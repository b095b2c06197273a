import type { Consumer } from "../src/batch/consumer.ts";

/** predictions -> model_prediction, once its symbol and session have landed; the first event of an id stays. */
export const predictions: Consumer<"predictions"> = {
  topic: "predictions",
  landing: {
    event: "prediction",
    table: "model_prediction",
    key: ["prediction_id"],
    path: "staged",
    repeats: "first",
    parents: [
      { column: "symbol_id", topic: "symbols", table: "symbol", key: "symbol_id", hasSession: false },
      {
        column: "backtest_session_id",
        topic: "sessions",
        table: "backtest_session",
        key: "backtest_session_id",
        hasSession: false,
      },
    ],
    recordColumns: ["published_at", "source_partition", "source_offset"],
  },
  time: "timestamp",
  audit: (prediction) => [{ eventType: "MODEL_RUN", actor: prediction.model_version, success: true }],
};
