import type { ConsumerOf } from "../src/batch/consumer.ts";

/** indicators -> technical_indicator: COPY straight into the table; the greatest revision of a value stays. */
export const indicators: ConsumerOf<"indicators"> = {
  topic: "indicators",
  landing: {
    event: "indicator",
    table: "technical_indicator",
    key: ["symbol_id", "timestamp", "indicator_id"],
    repeats: "revised",
    parents: [],
    recordColumns: ["published_at"],
  },
  time: "timestamp",
  audit: "receipt",
  connections: "several",
};
