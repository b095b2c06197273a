import type { ConsumerOf } from "../src/batch/consumer.ts";

/** quotes -> quote: COPY straight into the table, partitioned by UTC day; the first event of an id stays. */
export const quotes: ConsumerOf<"quotes"> = {
  topic: "quotes",
  landing: {
    event: "quote",
    table: "quote",
    key: ["symbol_id", "timestamp", "quote_id"],
    repeats: "first",
    parents: [],
    recordColumns: [],
    notContent: ["received_at"],
  },
  time: "timestamp",
  partitionedByDay: true,
  audit: "receipt",
  connections: "several",
};
