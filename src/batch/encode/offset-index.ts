import type { EncodedBatch } from "./encoded-batch.ts";

/** The index of the record at an offset, by halving, since offsets may have holes. @throws Error when there is none */
export function indexOf(batch: Pick<EncodedBatch, "records" | "from" | "to">, offset: number): number {
  let low = batch.from;
  let high = batch.to;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (batch.records.offsetOf(middle) < offset) low = middle + 1;
    else high = middle;
  }
  if (low === batch.to || batch.records.offsetOf(low) !== offset) throw new Error(`no record has the offset ${offset}`);
  return low;
}
