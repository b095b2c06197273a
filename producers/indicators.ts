import { producerOf } from "../src/feed/format.ts";
import { jsonLines } from "../src/feed/json-lines.ts";

/** Values of technical indicators, from JSON lines. */
export const indicators = producerOf("indicators", [jsonLines("indicators")]);
