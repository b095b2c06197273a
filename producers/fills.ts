import { producerOf } from "../src/feed/format.ts";
import { jsonLines } from "../src/feed/json-lines.ts";

/** Brokers' execution reports, from JSON lines. */
export const fills = producerOf("fills", [jsonLines("fills")]);
