import { producerOf } from "../src/feed/format.ts";
import { jsonLines } from "../src/feed/json-lines.ts";

/** What strategies earned, from JSON lines. */
export const performance = producerOf("performance", [jsonLines("performance")]);
