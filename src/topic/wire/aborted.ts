import type { RecordBatch } from "./record-batch.ts";

/** A transaction that was aborted, from its first record on. */
export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: number;
}

/**
 * Hides the batches that aborted transactions left; markers are hidden from the beginning. kafkajs's own filter takes up
 * one transaction per message, and so forgets some where a fetch begins amid several.
 */
export function markAborted(batches: readonly RecordBatch[], transactions: readonly AbortedTransaction[]): void {
  const waiting = [...transactions].sort((a, b) => a.firstOffset - b.firstOffset);
  const aborted = new Set<bigint>();
  for (const batch of batches) {
    while (waiting.length > 0 && waiting[0]!.firstOffset <= batch.lastOffset) aborted.add(waiting.shift()!.producerId);
    // A producer has one transaction at a time, so the first marker behind the transaction's beginning ends it.
    if (batch.isControl) aborted.delete(batch.producerId);
    else if (batch.inTransaction && aborted.has(batch.producerId)) batch.isHidden = true;
  }
}
