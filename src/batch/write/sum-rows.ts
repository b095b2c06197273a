import type { RowHasher } from "../../table/rows/row-hasher.ts";
import { RowSums, type SumsText } from "../../table/rows/row-sums.ts";
import type { EncodedBatch, Letter } from "../encode/encoded-batch.ts";
import { indexOf } from "../encode/offset-index.ts";
import type { Rows } from "../encode/rows.ts";
import type { StagedCount, StagedResult } from "./insert-isolated.ts";

/** The sums of those of the rows [from, to) that went in. @param isOut whether the record of this index left no row */
export function sumRows(
  hasher: RowHasher,
  rows: Rows,
  from: number,
  to: number,
  isOut?: (index: number) => boolean,
): SumsText {
  const sums = new RowSums();
  const { bytes, ends, indexes } = rows;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let i = from; i < to; i++) {
    if (isOut?.(indexes[i]!)) continue;
    hasher.add(sums, view, i === 0 ? 0 : ends[i - 1]!);
  }
  return sums.text();
}

/** The indexes of the staged rows that had one of these outcomes. */
export const indexesOf = (
  batch: EncodedBatch,
  counts: readonly StagedCount[],
  outcomes: readonly StagedCount["outcome"][],
): number[] =>
  counts
    .filter(({ outcome }) => outcomes.includes(outcome))
    .flatMap(({ offsets }) => offsets ?? [])
    .map((offset) => indexOf(batch, Number(offset)));

/**
 * The sums of those of the staged rows [from, to) that went in. What a revision replaces stays, in the table's revisions: what
 * went in is in one of the two for ever.
 */
export function sumStaged(
  hasher: RowHasher,
  batch: EncodedBatch,
  from: number,
  to: number,
  { counts, repeated }: StagedResult,
  letters: readonly Letter[],
): SumsText {
  const { rows, records } = batch;
  if (repeated !== undefined) {
    const refused = new Set(letters.map(({ index }) => index));
    return sumRows(hasher, rows, from, to, (index) => refused.has(index) || repeated.has(records.offsetOf(index)));
  }
  const wentIn = new Set(indexesOf(batch, counts, ["written", "replaced"]));
  return sumRows(hasher, rows, from, to, (index) => !wentIn.has(index));
}
