import type { Consumer } from "../src/batch/consumer.ts";

/** fills -> trade_execution, once its decision, symbol and session have landed; the first event of an id stays. */
export const fills: Consumer<"fills"> = {
  topic: "fills",
  landing: {
    event: "fill",
    table: "trade_execution",
    key: ["execution_id"],
    path: "staged",
    repeats: "first",
    parents: [
      { column: "symbol_id", topic: "symbols", table: "symbol", key: "symbol_id", hasSession: false },
      { column: "decision_id", topic: "decisions", table: "trade_decision", key: "decision_id", hasSession: true },
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
  audit: (fill) => [{ eventType: "TRADE_EXECUTION", actor: fill.broker, success: fill.status === "FILLED" }],
};
