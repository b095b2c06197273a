import { jsonLines } from "../src/feed/formats/json-lines.ts";
import { producerOf } from "../src/feed/producer.ts";

/** Instruments, from JSON lines. */
export const symbols = producerOf("symbols", [jsonLines("symbols")]);
