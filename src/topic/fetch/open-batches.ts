import { DECOMPRESSED_BYTES_MAX, LARGE_BYTES } from "../wire/codecs.ts";
import type { RecordBatch } from "../wire/record-batch.ts";

/**
 * Decompresses what a fetch brought of one partition, as far as that may grow; the rest is left to the next fetch. What grows
 * large comes alone, so that its bytes needn't be copied to lie beside others.
 * @returns the first of the batches, at least one
 */
export async function openBatches(batches: readonly RecordBatch[]): Promise<RecordBatch[]> {
  const opened: RecordBatch[] = [];
  let bytes = 0;
  for (const batch of batches) {
    const more = batch.isSealed ? batch.grownBytes : 0;
    if (opened.length > 0 && (more > LARGE_BYTES || bytes + more > DECOMPRESSED_BYTES_MAX)) break;
    const one = await batch.opened();
    opened.push(one);
    if (!batch.isSealed) continue;
    bytes += one.grownBytes;
    // What its codec gives up may have grown far before.
    const isGivenUp = one.fault !== undefined && batch.codec !== undefined;
    if (isGivenUp || one.grownBytes > LARGE_BYTES) break;
  }
  return opened;
}
