import type { Registry } from "../../event/registry.ts";
import type { Connection } from "../../table/connection.ts";
import { lockPartition } from "../../table/landing/landed.ts";
import { insertParked } from "../../table/landing/letters.ts";
import { readyParked, unpark } from "../../table/landing/parked.ts";
import { encodeBatch } from "../encode/encode.ts";
import { landStaged } from "../write/land-staged.ts";
import { parkedRows } from "./aside-rows.ts";
import { book, inTransaction, type Landing, ledgerOf, type OnCommit } from "./land.ts";
import type { LandingPlan } from "./landing-plan.ts";
import { type BreakerSample, sampleOf } from "./letter-breaker.ts";
import { ParkedRecords } from "./parked-records.ts";

/** One release takes this many events: a transaction of the size of a small fetch. */
const RELEASE_EVENTS_MAX = 2000;

/**
 * Lands the parked events of a partition whose parents have come, in offset order, by the path they would have taken.
 * Covers no offsets: its ledger row has first = next and says what became of them.
 * @returns `stale` when none was ready
 * @throws also registry_unreachable, canRetry, and too_many_letters
 */
export async function releaseParked(
  connection: Connection,
  plan: LandingPlan,
  partition: number,
  registry: Pick<Registry, "fetch">,
  onCommit?: OnCommit,
): Promise<Landing> {
  const { topicName, encoder, consumer, breaker } = plan;
  let sample: BreakerSample = { records: 0, letters: 0 };
  const work = async (): Promise<Landing> => {
    const nextOffset = await lockPartition(connection, topicName, partition);
    const { parents } = consumer.landing;
    const { kinds } = encoder.filter;
    const ready = await readyParked(connection, topicName, partition, parents, kinds, RELEASE_EVENTS_MAX);
    if (ready.length === 0) return { kind: "stale", nextOffset };
    // Parked by an earlier program, they may name schemas that this one has not met. Once per schema, the lock is held
    // for as long as the registry takes to answer.
    for (const id of encoder.reader.missing(ready.map(({ value }) => value))) await registry.fetch(id);
    const range = { firstOffset: nextOffset, nextOffset, from: 0 };
    const batch = encodeBatch(encoder, partition, new ParkedRecords(ready), range);
    const outcome = await landStaged(connection, plan.staged, batch, 0, batch.rows.indexes.length);
    await unpark(
      connection,
      topicName,
      partition,
      ready.map(({ offset }) => offset),
    );
    // Parked again with what they miss now: one that only waited behind its own id had nothing on record.
    await insertParked(connection, topicName, partition, parkedRows(batch, outcome.parked));
    const ledger = ledgerOf("release", batch, outcome);
    sample = sampleOf(-ledger.parked, [...batch.letters, ...outcome.letters]);
    breaker.check(topicName, sample);
    const booked = await book(connection, plan, batch, outcome, ledger);
    return { kind: "landed", nextOffset, ledger, ...booked, usedStage: true };
  };
  const landing = await inTransaction(connection, work, onCommit);
  if (landing.kind === "landed") breaker.note(sample);
  return landing;
}
