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
    recordColumns: [],
    notContent: ["received_at"],
  },
  time: "timestamp",
  // The branch is the default partition, so PostgreSQL would refuse the whole COPY for it, without a row's line.
  forbidden: { column: "interval", value: "tick", detail: "a bar's interval can't be 'tick'" },
  audit: "receipt",
  connections: "several",
};
