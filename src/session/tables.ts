import { CONSUMERS } from "../../consumers/all.ts";
import type { Consumer } from "../batch/consumer.ts";
import { hasSessions, tablesOf } from "../table/rows/landing-table.ts";

/** Whose tables hold rows of sessions, children before their parents. */
export const SESSION_CONSUMERS: readonly Consumer[] = CONSUMERS.filter(({ landing }) =>
  hasSessions(landing),
).toReversed();

export const SESSION_TABLES: readonly string[] = SESSION_CONSUMERS.flatMap(({ landing }) => tablesOf(landing));
