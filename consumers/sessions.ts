import type { ConsumerOf } from "../src/batch/consumer.ts";

/** sessions -> backtest_session: the greatest revision stays, and `deleted` is final. */
export const sessions: ConsumerOf<"sessions"> = {
  topic: "sessions",
  landing: {
    event: "session",
    table: "backtest_session",
    key: ["backtest_session_id"],
    repeats: "revised",
    parents: [],
    recordColumns: ["published_at"],
    final: { column: "status", value: "deleted" },
  },
  audit: (session) => [{ eventType: "SESSION", actor: "tradetape", success: session.status !== "failed" }],
  connections: "one",
};
