import { producerOf } from "../src/feed/format.ts";
import { jsonLines } from "../src/feed/formats/json-lines.ts";

/** Instruments, from JSON lines. */
export const symbols = producerOf("symbols", [jsonLines("symbols")]);
