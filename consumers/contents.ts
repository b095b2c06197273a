import type { ConsumerOf } from "../src/batch/consumer.ts";

/** contents -> agent_content: COPY straight into the table; a text that comes again is the same one, whenever it was sent. */
export const contents: ConsumerOf<"contents"> = {
  topic: "contents",
  landing: {
    event: "content",
    table: "agent_content",
    key: ["content_id"],
    repeats: "first",
    parents: [],
    recordColumns: ["published_at"],
    notContent: ["timestamp"],
  },
  time: "timestamp",
  audit: "receipt",
  connections: "one",
};
