import type { Consumer } from "../src/batch/consumer.ts";

/** symbols -> symbol: the greatest revision of an instrument stays. */
export const symbols: Consumer<"symbols"> = {
  topic: "symbols",
  landing: {
    event: "symbol",
    table: "symbol",
    key: ["symbol_id"],
    path: "staged",
    repeats: "revised",
    parents: [],
    recordColumns: [],
  },
  audit: () => [{ eventType: "SYMBOL", actor: "tradetape", success: true }],
};
