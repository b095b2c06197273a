import type { EventTopic } from "../event/schemas.ts";
import type { LedgerRow } from "../table/landed.ts";

/** What a group landed since it started, in records; the ledger's own words. */
export interface Tally {
  readonly topic: EventTopic;
  readonly read: number;
  readonly written: number;
  readonly duplicate: number;
  readonly replaced: number;
  readonly dead: number;
  readonly parked: number;
  readonly filtered: number;
}

export const emptyTally = (topic: EventTopic): Tally => ({
  topic,
  read: 0,
  written: 0,
  duplicate: 0,
  replaced: 0,
  dead: 0,
  parked: 0,
  filtered: 0,
});

export const added = (tally: Tally, ledger: LedgerRow): Tally => ({
  topic: tally.topic,
  read: tally.read + ledger.read,
  written: tally.written + ledger.written,
  duplicate: tally.duplicate + ledger.duplicate,
  replaced: tally.replaced + ledger.replaced,
  dead: tally.dead + ledger.dead,
  parked: tally.parked + ledger.parked,
  filtered: tally.filtered + ledger.filtered,
});
