import { type ConsumerOf, parent } from "../src/batch/consumer.ts";
import { sessions } from "./sessions.ts";
import { symbols } from "./symbols.ts";

/** performance -> strategy_performance, once its symbol and session have landed; the greatest revision stays. */
export const performance: ConsumerOf<"performance"> = {
  topic: "performance",
  landing: {
    event: "performance",
    table: "strategy_performance",
    key: ["performance_id"],
    repeats: "revised",
    parents: [parent("symbol_id", symbols), parent("backtest_session_id", sessions)],
    recordColumns: ["published_at", "source_partition", "source_offset"],
  },
  // Not its end: a window that isn't over ends in a time to come, and is told as of now.
  time: "window_start",
  audit: (performance) => [{ eventType: "STRATEGY_PERFORMANCE", actor: performance.strategy_id, success: true }],
  connections: "one",
};
