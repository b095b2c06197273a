import { JoinedRecords } from "../../topic/fetch/joined-records.ts";
import type { EncodedBatch } from "./encoded-batch.ts";

/** Whether `next` may land with `first`: it needs no day partition and no session that `first` doesn't wait for anyway. */
export function isJoinable(first: EncodedBatch, next: EncodedBatch): boolean {
  const { days, sessions } = first;
  return next.days.every((day) => days.includes(day)) && next.sessions.every((session) => sessions.includes(session));
}

/**
 * Makes one batch of several that wait one behind the other, because each would land in a transaction of its own: kafkajs
 * brings a live topic in fetches of some ten records, and behind an outage or a slow database thousands of them wait.
 * @param batches each begins where the one before it ends, and is joinable with the first
 */
export function joinBatches(batches: readonly EncodedBatch[]): EncodedBatch {
  const [first] = batches as [EncodedBatch];
  if (batches.length === 1) return first;
  const records = new JoinedRecords(batches.map(({ records, from, to }) => ({ records, from, to })));
  const rowCount = batches.reduce((sum, { rows }) => sum + rows.ends.length, 0);
  const ends = new Uint32Array(rowCount);
  const indexes = new Uint32Array(rowCount);
  const letters: EncodedBatch["letters"][number][] = [];
  let filtered = 0;
  let rowBytes = 0;
  let at = 0;
  let base = 0;
  for (const batch of batches) {
    const shift = base - batch.from;
    for (let n = 0; n < batch.rows.ends.length; n++, at++) {
      ends[at] = rowBytes + batch.rows.ends[n]!;
      indexes[at] = shift + batch.rows.indexes[n]!;
    }
    for (const letter of batch.letters) letters.push({ ...letter, index: shift + letter.index });
    filtered += batch.filtered;
    rowBytes += batch.rows.bytes.length;
    base += batch.to - batch.from;
  }
  return {
    ...first,
    nextOffset: batches.at(-1)!.nextOffset,
    records,
    from: 0,
    to: records.count,
    rows: { bytes: Buffer.concat(batches.map(({ rows }) => rows.bytes)), ends, indexes },
    letters,
    filtered,
    origin: batches.at(-1)!.origin,
  };
}
