import type { EventTopic } from "../event/schemas.ts";
import { LEDGER_COUNTS, type LedgerCounts, NOTHING_COUNTED } from "../table/landing/ledger.ts";

/** What a group has landed since it started, by the ledger's counts. */
export interface Tally extends LedgerCounts {
  readonly topic: EventTopic;
}

export const emptyTally = (topic: EventTopic): Tally => ({ topic, ...NOTHING_COUNTED });

export const added = (tally: Tally, more: LedgerCounts): Tally => ({
  ...tally,
  ...Object.fromEntries(LEDGER_COUNTS.map((name) => [name, tally[name] + more[name]])),
});
