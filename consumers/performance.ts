import type { Consumer } from "../src/batch/consumer.ts";

/** performance -> strategy_performance, once its symbol and session have landed; the greatest revision stays. */
export const performance: Consumer<"performance"> = {
  topic: "performance",
  landing: {
    event: "performance",
    table: "strategy_performance",
    key: ["performance_id"],
    path: "staged",
    repeats: "revised",
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
  time: "window_end",
  audit: (performance) => [{ eventType: "STRATEGY_PERFORMANCE", actor: performance.strategy_id, success: true }],
};
