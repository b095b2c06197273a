import type { ConsumerOf } from "../src/batch/consumer.ts";

/** bars -> market_data_bar: COPY straight into the branch; the greatest revision of a bar stays. */
export const bars: ConsumerOf<"bars"> = {
  topic: "bars",
  landing: {
    event: "bar",
    table: "market_data_bar",
    key: ["symbol_id", "timestamp", "market_data_id"],
    repeats: "revised",
    parents: [],
    recordColumns: ["published_at"],
    notContent: ["received_at"],
  },
  time: "timestamp",
  audit: "receipt",
  connections: "several",
};
