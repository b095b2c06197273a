import { type ConsumerOf, parent } from "../src/batch/consumer.ts";
import { sessions } from "./sessions.ts";

/**
 * calls -> agent_call, once its session has landed; the first event of an id stays. What a call led to is no parent of it: it
 * comes later, or never.
 */
export const calls: ConsumerOf<"calls"> = {
  topic: "calls",
  landing: {
    event: "call",
    table: "agent_call",
    key: ["call_id"],
    repeats: "first",
    parents: [parent("backtest_session_id", sessions)],
    recordColumns: ["published_at", "source_partition", "source_offset"],
  },
  time: "timestamp",
  audit: ({ actor, error }) => [{ eventType: "AGENT_CALL", actor, success: (error ?? null) === null }],
  connections: "one",
};
