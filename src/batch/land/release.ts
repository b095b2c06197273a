import type { Registry } from "../../event/registry.ts";
import type { Connection } from "../../table/connection.ts";
import { lockPartition } from "../../table/landing/landed.ts";
import { insertParked } from "../../table/landing/letters.ts";
import { readyParked, unpark } from "../../table/landing/parked.ts";
import type { SessionSource } from "../../table/pool/session-pool.ts";
import { encodeBatch } from "../encode/encode.ts";
import { landStaged } from "../write/land-staged.ts";
import { ledgerOf } from "../write/outcome.ts";
import { parkedRows } from "./aside-rows.ts";
import { book, inTransaction, type Landing, type OnCommit } from "./land.ts";
import type { LandingPlan } from "./landing-plan.ts";
import { type BreakerSample, sampleOf } from "./letter-breaker.ts";
import { judgeLetters } from "./letter-verdict.ts";
import { ParkedRecords } from "./parked-records.ts";
import { withDays } from "./with-days.ts";

/** One release takes this many events, so that its transaction is no larger than that of a small fetch. */
const RELEASE_EVENTS_MAX = 2000;

/** What a release asks beside its own session. */
interface ReleaseServices {
  readonly registry: Pick<Registry, "fetch">;
  readonly days: SessionSource;
}

/**
 * Lands the parked events of a partition whose parents have come, in offset order, by the path they would have taken.
 * The release covers no offsets: its ledger row has first = next and counts what became of the events.
 * @returns `stale` when none was ready
 * @throws also registry_unreachable, canRetry, and too_many_letters
 */
export async function releaseParked(
  connection: Connection,
  plan: LandingPlan,
  partition: number,
  { registry, days }: ReleaseServices,
  onCommit?: OnCommit,
): Promise<Landing> {
  const { topicName, encoder, consumer, breaker } = plan;
  let sample: BreakerSample = { records: 0, parked: 0, bad: [] };
  const work = async (): Promise<Landing> => {
    const nextOffset = await lockPartition(connection, topicName, partition);
    const { parents } = consumer.landing;
    const { kinds } = encoder.filter;
    const ready = await readyParked(connection, topicName, partition, parents, kinds, RELEASE_EVENTS_MAX);
    if (ready.length === 0) return { kind: "stale", nextOffset };
    // Another process may have parked these events, so their schemas may be new to this one. The lock is held while the
    // registry answers, which happens once a schema.
    for (const id of encoder.reader.missing(ready.map(({ value }) => value))) await registry.fetch(id);
    const range = { firstOffset: nextOffset, nextOffset, from: 0 };
    const encoded = encodeBatch(encoder, partition, new ParkedRecords(ready), range);
    // Cut for the sake of its days, it still covers no offsets; the next release takes the rest.
    const batch = await withDays(plan, days, { ...encoded, nextOffset });
    // Before they land, since nothing of this batch waits behind what lands with it.
    await unpark(
      connection,
      topicName,
      partition,
      ready.slice(0, batch.to).map(({ offset }) => offset),
    );
    const outcome = await landStaged(connection, plan.staged, batch, 0, batch.rows.indexes.length);
    // What can't land yet is parked again, with the parents that are missing now: `missing` was empty for an event that only
    // waited behind an earlier one of its id.
    await insertParked(connection, topicName, partition, parkedRows(batch, outcome.parked));
    const ledger = ledgerOf("release", batch, outcome);
    const letters = [...batch.letters, ...outcome.letters];
    sample = sampleOf({ records: -ledger.parked, parked: ledger.parked }, batch, letters);
    if (breaker.trips(sample)) sample = await judgeLetters(connection, plan, batch, sample, letters);
    const ledgerKey = await book(connection, plan, batch, outcome, ledger);
    return { kind: "landed", nextOffset, ledger, ledgerKey, usedStage: true };
  };
  const landing = await inTransaction(connection, work, onCommit);
  if (landing.kind === "landed") breaker.note(sample);
  return landing;
}
