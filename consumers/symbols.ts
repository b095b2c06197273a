import type { ConsumerOf } from "../src/batch/consumer.ts";

/** symbols -> symbol: the greatest revision of an instrument stays. */
export const symbols: ConsumerOf<"symbols"> = {
  topic: "symbols",
  landing: {
    event: "symbol",
    table: "symbol",
    key: ["symbol_id"],
    repeats: "revised",
    parents: [],
    recordColumns: ["published_at"],
  },
  audit: () => [{ eventType: "SYMBOL", actor: "tradetape", success: true }],
  connections: "one",
};
