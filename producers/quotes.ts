import { QUOTE_FORMATS } from "../src/feed/formats/catalogue.ts";
import { byMap } from "../src/feed/formats/mapped.ts";
import { producerOf } from "../src/feed/producer.ts";

/** Best bids and asks, from the formats of `tradetape feeds list`, a map or JSON lines. */
export const quotes = producerOf("quotes", QUOTE_FORMATS, byMap("quotes"));
