import { TradetapeError } from "../../errors.ts";
import type { RecordBatch } from "../wire/record-batch.ts";
import { BatchRecords, Damaged } from "./batch-records.ts";
import { FetchedBatch, type FetchedRange, type LeaderEpoch, shortName } from "./fetched-batch.ts";

/**
 * What a fetch brought of one partition, in offset order: `missing` counts its hidden records too, and `records` doesn't. A batch
 * whose bytes aren't its records is one that nobody can read: the checksum says that its producer made them so.
 */
export function batchOf({
  batches,
  ...range
}: FetchedRange & { readonly batches: readonly RecordBatch[] }): FetchedBatch {
  const [first] = batches;
  if (first?.damage !== undefined) return damagedBatch(first, first.damage, range);
  try {
    return fetchedBatch(batches, range);
  } catch (error) {
    if (!(error instanceof Damaged)) throw error;
    return fetchedBatch(batches.map(readableOr), range);
  }
}

function damagedBatch({ lastOffset }: RecordBatch, why: string, range: FetchedRange): FetchedBatch {
  const { topicName, partition, fetchedOffset: from, logEnd } = range;
  // Its header may be what is damaged, so it is believed up to the log's end only.
  const to = Math.max(from + 1, Math.min(lastOffset + 1, logEnd));
  const batch = `the record batch at offsets ${from} to ${to - 1}`;
  const message = `${topicName}/${partition}: ${batch} can't be read: ${why}`;
  const damage = new TradetapeError("batch_unreadable", message, {
    facts: { partition, from, to },
    next:
      "A service fetches it again by itself, since a network may have done it. Where it stays so a disk has: have another " +
      "replica lead the partition, if there is one. If the batch is gone for good, " +
      `\`tradetape consume --accept-loss ${shortName(topicName)}/${partition}:${from}..${to} --reason WHY\` goes on behind it.`,
  });
  return new FetchedBatch({ ...range, nextOffset: to }, new BatchRecords([], from), to - from, { damage });
}

/** The batch, or in its place one that nobody can read. */
function readableOr(batch: RecordBatch): RecordBatch {
  try {
    return new BatchRecords([batch], 0) && batch;
  } catch (error) {
    if (!(error instanceof Damaged)) throw error;
    return batch.unreadable(error.message);
  }
}

function fetchedBatch(batches: readonly RecordBatch[], range: FetchedRange): FetchedBatch {
  const all = new BatchRecords(batches, range.fetchedOffset);
  const shown = batches.filter(({ isHidden }) => !isHidden);
  const records = shown.length === batches.length ? all : new BatchRecords(shown, range.fetchedOffset);
  return new FetchedBatch(range, records, all.count + unreadBy(batches, range.fetchedOffset), {
    isBrokersTime: shown.every(({ timeMs }) => timeMs !== undefined),
    leaderEpochs: leaderEpochsOf(batches),
  });
}

/** How many offsets have no record because nobody can read the batch that they are in: it has one, at its last offset. */
function unreadBy(batches: readonly RecordBatch[], fromOffset: number): number {
  const unreadable = batches.filter(({ fault }) => fault !== undefined);
  return unreadable.reduce((sum, batch) => sum + batch.lastOffset - Math.max(batch.firstOffset, fromOffset), 0);
}

/** Where each leader's part begins. */
function leaderEpochsOf(batches: readonly RecordBatch[]): readonly LeaderEpoch[] {
  const parts: LeaderEpoch[] = [];
  for (const { firstOffset: from, leaderEpoch: epoch } of batches) {
    if (parts.at(-1)?.epoch !== epoch) parts.push({ from, epoch });
  }
  return parts;
}
