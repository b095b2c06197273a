import { producerOf } from "../src/feed/format.ts";
import { jsonLines } from "../src/feed/json-lines.ts";

/** What agents decided, from JSON lines. */
export const decisions = producerOf("decisions", [jsonLines("decisions")]);
