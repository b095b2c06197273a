import type { ConsumerOf } from "../src/batch/consumer.ts";

/** audit -> audit_log: linked into the hash chain in the topic's order. It never parks, and tells nobody. */
export const audit: ConsumerOf<"audit"> = {
  topic: "audit",
  landing: {
    event: "audit",
    table: "audit_log",
    key: ["log_id"],
    repeats: "first",
    parents: [],
    recordColumns: [],
    chained: true,
  },
  time: "timestamp",
  audit: "none",
  connections: "one",
};
