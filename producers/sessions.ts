import { jsonLines } from "../src/feed/formats/json-lines.ts";
import { producerOf } from "../src/feed/producer.ts";

/** Runs whose events are kept apart, from JSON lines. */
export const sessions = producerOf("sessions", [jsonLines("sessions")]);
