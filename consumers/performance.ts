import type { Consumer } from "../src/batch/consumer.ts";
import { SESSION_PARENT, SYMBOL_PARENT } from "../src/table/rows/landing-table.ts";

/** performance -> strategy_performance, once its symbol and session have landed; the greatest revision stays. */
export const performance: Consumer<"performance"> = {
  topic: "performance",
  landing: {
    event: "performance",
    table: "strategy_performance",
    key: ["performance_id"],
    path: "staged",
    repeats: "revised",
    parents: [SYMBOL_PARENT, SESSION_PARENT],
    recordColumns: ["published_at", "source_partition", "source_offset"],
  },
  time: "window_end",
  audit: (performance) => [{ eventType: "STRATEGY_PERFORMANCE", actor: performance.strategy_id, success: true }],
};
