import { type ConsumerOf, parent } from "../src/batch/consumer.ts";
import { decisions } from "./decisions.ts";
import { sessions } from "./sessions.ts";
import { symbols } from "./symbols.ts";

/** fills -> trade_execution, once its decision, symbol and session have landed; the first event of an id stays. */
export const fills: ConsumerOf<"fills"> = {
  topic: "fills",
  landing: {
    event: "fill",
    table: "trade_execution",
    key: ["execution_id"],
    repeats: "first",
    parents: [parent("symbol_id", symbols), parent("decision_id", decisions), parent("backtest_session_id", sessions)],
    recordColumns: ["published_at", "source_partition", "source_offset"],
    // What it rests on, which programs have told only since these fields are there: what they publish again is no conflict.
    notContent: ["price_source", "priced_at"],
  },
  time: "timestamp",
  audit: (fill) => [{ eventType: "TRADE_EXECUTION", actor: fill.broker, success: fill.status === "FILLED" }],
  connections: "one",
};
