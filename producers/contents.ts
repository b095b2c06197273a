import { jsonLines } from "../src/feed/formats/json-lines.ts";
import { producerOf } from "../src/feed/producer.ts";

/** The pieces of large requests and answers, from JSON lines. */
export const contents = producerOf("contents", [jsonLines("contents")]);
