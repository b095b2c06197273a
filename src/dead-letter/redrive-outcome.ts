import { pause, SYSTEM_CLOCK } from "../clock.ts";
import type { Connection } from "../table/connection.ts";
import { nextOffsets } from "../table/landing/landed.ts";
import { type CoveringBatch, coveringBatches, lettersAt } from "../table/letters/redriven.ts";
import type { Redriven } from "./redrive.ts";

/** What became of redriven events, each counted once. */
export interface RedriveOutcome {
  readonly written: number;
  readonly replaced: number;
  readonly duplicate: number;
  readonly filtered: number;
  readonly parked: number;
  /** Letters again, by reason. */
  readonly died: Readonly<Record<string, number>>;
  /** Landed among other events: in the table, but the ledger doesn't tell whether by this event or by an earlier one. */
  readonly landedAmongOthers: number;
  /** Not landed yet. */
  readonly onTheWay: number;
}

const POLL_MS = 200;

/** Waits until every event has landed, but no longer than `waitMs` or until `stop`, and says what became of them. */
export async function awaitOutcome(
  connection: Connection,
  redriven: readonly Redriven[],
  waitMs: number,
  stop: AbortSignal,
): Promise<RedriveOutcome> {
  const deadline = SYSTEM_CLOCK.now() + waitMs;
  while (!stop.aborted && SYSTEM_CLOCK.now() < deadline && !(await hasLanded(connection, redriven))) {
    await pause(POLL_MS, stop);
  }
  let outcome = NOTHING;
  for (const { topic, partition, offsets } of redriven) {
    if (offsets.length === 0) continue;
    const batches = await coveringBatches(connection, topic, partition, offsets);
    const died: Record<string, number> = {};
    for (const { reason, letters } of await lettersAt(connection, topic, partition, offsets)) died[reason] = letters;
    outcome = sum(outcome, { ...outcomeOf(offsets.length, batches), died });
  }
  return outcome;
}

async function hasLanded(connection: Connection, redriven: readonly Redriven[]): Promise<boolean> {
  for (const { topic, partition, offsets } of redriven) {
    const next = (await nextOffsets(connection, topic)).get(partition) ?? 0;
    if (offsets.some((offset) => offset >= next)) return false;
  }
  return true;
}

const KINDS = ["written", "replaced", "duplicate", "filtered"] as const;

const NOTHING: RedriveOutcome = {
  written: 0,
  replaced: 0,
  duplicate: 0,
  filtered: 0,
  parked: 0,
  died: {},
  landedAmongOthers: 0,
  onTheWay: 0,
};

/**
 * What became of redriven events, as far as the ledger says. It counts batches, not events: where a batch held only events
 * of ours, or had one outcome for all, each event's outcome is known; otherwise only that it has landed.
 * @param events how many were sent to the partition
 */
export function outcomeOf(events: number, batches: readonly CoveringBatch[]): Omit<RedriveOutcome, "died"> {
  const counts = { ...NOTHING, onTheWay: events };
  for (const batch of batches) {
    const { ours, dead, parked } = batch;
    counts.onTheWay -= ours;
    counts.parked += parked;
    const rest = ours - dead - parked;
    const kinds = KINDS.filter((kind) => batch[kind] > 0);
    const landed = kinds.reduce((all, kind) => all + batch[kind], 0);
    if (landed === rest) for (const kind of kinds) counts[kind] += batch[kind];
    else if (kinds.length === 1 && landed > rest) counts[kinds[0]!] += rest;
    else counts.landedAmongOthers += rest;
  }
  const { died: _died, ...known } = counts;
  return known;
}

function sum(a: RedriveOutcome, b: RedriveOutcome): RedriveOutcome {
  const died: Record<string, number> = { ...a.died };
  for (const [reason, letters] of Object.entries(b.died)) died[reason] = (died[reason] ?? 0) + letters;
  return {
    written: a.written + b.written,
    replaced: a.replaced + b.replaced,
    duplicate: a.duplicate + b.duplicate,
    filtered: a.filtered + b.filtered,
    parked: a.parked + b.parked,
    died,
    landedAmongOthers: a.landedAmongOthers + b.landedAmongOthers,
    onTheWay: a.onTheWay + b.onTheWay,
  };
}
