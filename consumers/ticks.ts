import type { Consumer } from "../src/batch/consumer.ts";

/** ticks -> market_data_tick: COPY straight into the branch, partitioned by UTC day; the first event of an id stays. */
export const ticks: Consumer<"ticks"> = {
  topic: "ticks",
  landing: {
    event: "tick",
    table: "market_data_tick",
    key: ["symbol_id", "timestamp", "market_data_id"],
    path: "direct",
    repeats: "first",
    parents: [],
    recordColumns: [],
  },
  time: "timestamp",
  partitionedByDay: true,
  audit: "receipt",
};
