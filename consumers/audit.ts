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
    recordColumns: ["signed_by"],
    chained: true,
    // A database that lost its last commits lands those batches again, and tells of it at another time.
    retold: { column: "event_type", value: "RECEIPT", notContent: ["timestamp"] },
  },
  time: "timestamp",
  audit: "none",
  connections: "one",
};
