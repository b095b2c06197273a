import type { ConsumerOf } from "../src/batch/consumer.ts";

/** ticks -> market_data_tick: COPY straight into the branch, partitioned by UTC day; the first event of an id stays. */
export const ticks: ConsumerOf<"ticks"> = {
  topic: "ticks",
  landing: {
    event: "tick",
    table: "market_data_tick",
    key: ["symbol_id", "timestamp", "market_data_id"],
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
