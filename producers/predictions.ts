import { producerOf } from "../src/feed/format.ts";
import { jsonLines } from "../src/feed/json-lines.ts";

/** What models expect, from JSON lines. */
export const predictions = producerOf("predictions", [jsonLines("predictions")]);
