import { jsonLines } from "../src/feed/formats/json-lines.ts";
import { producerOf } from "../src/feed/producer.ts";

/** What models and tools were asked and answered, from JSON lines. */
export const calls = producerOf("calls", [jsonLines("calls")]);
