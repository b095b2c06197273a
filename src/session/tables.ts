import { CONSUMERS } from "../../consumers/all.ts";
import type { Consumer } from "../batch/consumer.ts";
import { hasSessions } from "../batch/encode/session-sieve.ts";

/** Whose tables hold rows of sessions, children before their parents. */
export const SESSION_CONSUMERS: readonly Consumer[] = CONSUMERS.filter(hasSessions).toReversed();

export const SESSION_TABLES: readonly string[] = SESSION_CONSUMERS.map(({ landing }) => landing.table);
