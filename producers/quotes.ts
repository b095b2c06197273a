import { jsonLines } from "../src/feed/formats/json-lines.ts";
import { producerOf } from "../src/feed/producer.ts";

/** Best bids and asks, from JSON lines. */
export const quotes = producerOf("quotes", [jsonLines("quotes")]);
