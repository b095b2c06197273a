import { TICK_FORMATS } from "../src/feed/formats/catalogue.ts";
import { byMap } from "../src/feed/formats/mapped.ts";
import { producerOf } from "../src/feed/producer.ts";

/** Trades, from the formats of `tradetape feeds list`, a map or JSON lines. */
export const ticks = producerOf("ticks", TICK_FORMATS, byMap("ticks"));
