import type { Consumer } from "../src/batch/consumer.ts";
import { SESSION_PARENT, SYMBOL_PARENT } from "../src/table/rows/landing-table.ts";

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
      SYMBOL_PARENT,
      { column: "decision_id", topic: "decisions", table: "trade_decision", key: "decision_id", hasSession: true },
      SESSION_PARENT,
    ],
    recordColumns: ["published_at", "source_partition", "source_offset"],
  },
  time: "timestamp",
  audit: (fill) => [{ eventType: "TRADE_EXECUTION", actor: fill.broker, success: fill.status === "FILLED" }],
};
