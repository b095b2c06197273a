import type { Connection } from "../../table/connection.ts";
import { lockPlace } from "../../table/landing/landed.ts";
import { advance, type LedgerKey, type LedgerRow } from "../../table/landing/ledger.ts";
import { insertLetters, insertParked } from "../../table/landing/letters.ts";
import { insertOutbox } from "../../table/landing/outbox.ts";
import { encodeBatch } from "../encode/encode.ts";
import type { EncodedBatch } from "../encode/encoded-batch.ts";
import type { SessionFate } from "../encode/session-sieve.ts";
import { held } from "../loop-watch.ts";
import { landDirect } from "../write/land-direct.ts";
import { landStaged } from "../write/land-staged.ts";
import { ledgerOf, type Outcome, sumsDetail } from "../write/outcome.ts";
import { letterRows, parkedRows } from "./aside-rows.ts";
import type { LandingPlan } from "./landing-plan.ts";
import { landmarkOf } from "./landmark.ts";
import { type BreakerSample, sampleOf } from "./letter-breaker.ts";
import { judgeLetters, LetterStop } from "./letter-verdict.ts";
import { outboxMessages } from "./outbox-messages.ts";

/**
 * What a landing came to. `stale`: all of it had landed before, or a sweep found nothing to do. `ahead`: offsets before it
 * have not landed, or it was read under an earlier claim or from a log that was rewound from, so it must not. `landed`: it
 * was committed.
 */
export type Landing = { readonly kind: "stale" | "ahead"; readonly nextOffset: number } | Landed;

export interface Landed {
  readonly kind: "landed";
  readonly nextOffset: number;
  readonly ledger: LedgerRow;
  readonly ledgerKey: LedgerKey;
  readonly usedStage: boolean;
}

/** Called with a landing just before its COMMIT is sent: the answer may be lost, and the ledger is asked about it then. */
export type OnCommit = (landing: Landed) => void;

/**
 * THE transaction: rows, letters, parked events, ledger row, next offset and outbox commit together or not at all.
 *
 * | dies or fails ...           | then                                                                               |
 * |-----------------------------|------------------------------------------------------------------------------------|
 * | before COMMIT               | nothing happened: landed again from next_offset                                    |
 * | during COMMIT (answer lost) | called again: the lock waits for the old backend's end, next_offset tells          |
 * | after COMMIT, outbox unsent | the next owner publishes the outbox, under the same ids                            |
 * | owner cut off with the lock | the next owner's lock wait ends in lock_timeout and is tried again                 |
 *
 * @param waitedFor the columns of parents that were waited for; undefined where children park without a wait
 * @throws too_many_letters, and whatever isn't the data's fault; EarlyChildren where children lack other parents. The
 * transaction is rolled back, or the session gone
 */
export async function landBatch(
  connection: Connection,
  plan: LandingPlan,
  batch: EncodedBatch,
  preferStage: boolean,
  onCommit?: OnCommit,
  waitedFor?: ReadonlySet<string>,
): Promise<Landing> {
  let sample: BreakerSample = { records: 0, parked: 0, bad: [] };
  const work = async (): Promise<Landing> => {
    const { next, rewinds, claims } = await lockPlace(connection, plan.topicName, batch.partition);
    // Where the partition was rewound since the batch was read, the batch's offsets name records of another log.
    const isOfOtherLog = batch.origin !== undefined && batch.origin.rewinds !== rewinds;
    if (!isOfOtherLog && batch.nextOffset <= next) return { kind: "stale", nextOffset: next };
    // After a later claim they may, because its owner looked at the log as it is now: an election may have changed it.
    const isOfOtherClaim = batch.origin !== undefined && batch.origin.claims !== claims;
    if (isOfOtherLog || isOfOtherClaim || batch.firstOffset > next) return { kind: "ahead", nextOffset: next };
    const trimmed = await judgeSessions(connection, plan, trim(plan, batch, next));
    const { outcome, usedStage } = await landRows(connection, plan, trimmed, preferStage, waitedFor);
    const ledger = ledgerOf("batch", trimmed, outcome);
    const letters = [...trimmed.letters, ...outcome.letters];
    sample = sampleOf({ records: ledger.read, parked: ledger.parked }, trimmed, letters);
    if (plan.breaker.trips(sample)) sample = await judgeLetters(connection, plan, trimmed, sample, letters);
    const ledgerKey = await book(connection, plan, trimmed, outcome, ledger);
    return { kind: "landed", nextOffset: trimmed.nextOffset, ledger, ledgerKey, usedStage };
  };
  const landing = await inTransaction(connection, work, onCommit);
  if (landing.kind === "landed") plan.breaker.note(sample);
  return landing;
}

/** Runs `work` between BEGIN and COMMIT; a result that isn't a landing changes nothing and is rolled back. */
export async function inTransaction<R extends { readonly kind: string }>(
  connection: Connection,
  work: () => Promise<R>,
  onCommit?: (result: Extract<R, { kind: "landed" }>) => void,
): Promise<R> {
  const begin = () =>
    connection.query("BEGIN").catch((error) => {
      // The statements that were sent behind BEGIN would commit one by one, so the session is dropped with them.
      connection.drop();
      throw error;
    });
  let result: R;
  try {
    [, result] = await connection.inOneTrip(() => [begin(), work()]);
  } catch (error) {
    if (connection.isOpen) await connection.query("ROLLBACK");
    throw error instanceof LetterStop ? await error.told() : error;
  }
  if (result.kind === "landed") {
    onCommit?.(result as Extract<R, { kind: "landed" }>);
    await connection.commit();
  } else await connection.query("ROLLBACK");
  return result;
}

/** The part of a batch from offset `next` on, because what lies before has landed. */
function trim(plan: LandingPlan, batch: EncodedBatch, next: number): EncodedBatch {
  if (batch.firstOffset === next) return batch;
  let from = batch.from;
  while (from < batch.to && batch.records.offsetOf(from) < next) from++;
  const letters = batch.letters.filter((letter) => letter.index >= from);
  const trimmed = { ...batch, firstOffset: next, from, letters };
  // It isn't known which of the records were filtered, only how many, so those of the rest are counted anew.
  return batch.filtered === 0 ? trimmed : encodedAgain(plan, trimmed);
}

/**
 * Encodes a batch's records again, by what is known of sessions and days by now. The batch isn't cut for new days again:
 * their partitions were made for it, even if another lane has made `encoder.days` forget them since.
 */
export function encodedAgain(
  plan: LandingPlan,
  batch: EncodedBatch,
  fates: ReadonlyMap<string, SessionFate> = new Map(),
): EncodedBatch {
  const { partition, records, firstOffset, nextOffset, from, to, origin } = batch;
  const encoder = { ...plan.encoder, newDaysPerBatchMax: Number.POSITIVE_INFINITY };
  return { ...encodeBatch(encoder, partition, records, { firstOffset, nextOffset, from, to, fates }), origin };
}

/** Encodes a batch again without the events of sessions that have a fate; usually there is none, and it stays as it is. */
async function judgeSessions(connection: Connection, plan: LandingPlan, batch: EncodedBatch): Promise<EncodedBatch> {
  if (batch.sessions.length === 0) return batch;
  const fates = await plan.sessionGate.fates(connection, batch.sessions);
  return fates.size === 0 ? batch : encodedAgain(plan, batch, fates);
}

export async function landRows(
  connection: Connection,
  plan: LandingPlan,
  batch: EncodedBatch,
  preferStage: boolean,
  waitedFor?: ReadonlySet<string>,
): Promise<{ outcome: Outcome; usedStage: boolean }> {
  const { indexes } = batch.rows;
  let first = 0;
  while (first < indexes.length && indexes[first]! < batch.from) first++;
  if (plan.direct !== undefined && !preferStage) {
    const outcome = await landDirect(connection, plan.direct, batch.rows, first, indexes.length, plan.hasher);
    if (outcome !== "repeat") return { outcome, usedStage: false };
  }
  return {
    outcome: await landStaged(connection, plan.staged, batch, first, indexes.length, waitedFor),
    usedStage: true,
  };
}

/**
 * Writes what a batch or a release commits besides its rows: letters, parked events, outbox, ledger row, next offset.
 * @param detail what a person should find beside the ledger row
 * @returns the ledger row's key
 */
export async function book(
  connection: Connection,
  plan: LandingPlan,
  batch: EncodedBatch,
  outcome: Outcome,
  ledger: LedgerRow,
  detail?: Readonly<Record<string, unknown>>,
): Promise<LedgerKey> {
  const { topicName } = plan;
  const { partition, firstOffset: offset, nextOffset } = batch;
  const step = { step: "tell", topic: plan.consumer.topic, partition, offset, nextOffset } as const;
  const all = [...batch.letters, ...outcome.letters].sort((a, b) => a.index - b.index);
  const letters = held(step, () => letterRows(batch, all, plan.encoder.eventBytesMax));
  await insertLetters(connection, topicName, batch.partition, letters);
  if (ledger.kind === "batch") {
    await insertParked(connection, topicName, batch.partition, parkedRows(batch, outcome.parked));
  }
  const messages = held(step, () => outboxMessages(plan, batch, outcome, letters, ledger));
  const [, ledgerKey] = await connection.inOneTrip(() => [
    insertOutbox(connection, topicName, messages),
    advance(connection, topicName, {
      partition: batch.partition,
      ledger,
      last: landmarkOf(batch, ledger),
      ...batch.origin,
      detail: detail ?? sumsDetail(outcome),
    }),
  ]);
  return ledgerKey;
}
