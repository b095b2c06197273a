import { createHash } from "node:crypto";
import type { LedgerRow } from "../../table/landing/ledger.ts";
import type { RawRecord } from "../../topic/fetch/records.ts";
import type { EncodedBatch } from "../encode/encoded-batch.ts";

/**
 * The last record of a partition that landed, kept in `landed_offset`. At a claim the log must still have this record at
 * this offset: a log that was made again, or lost its end, has another one there.
 */
export interface Landmark {
  readonly offset: number;
  readonly digest: Buffer;
}

/** The landmark that a batch leaves behind; undefined for a batch without records, and for a release, which covers no offsets. */
export function landmarkOf(batch: EncodedBatch, ledger: LedgerRow): Landmark | undefined {
  if (ledger.kind !== "batch" || batch.to === batch.from) return undefined;
  const index = batch.to - 1;
  return { offset: batch.records.offsetOf(index), digest: recordDigest(batch.records.record(index)) };
}

/** SHA-256 of a record's key and value: equal digests mean that the record at an offset is the one that landed. */
export function recordDigest({ key, value }: RawRecord): Buffer {
  return createHash("sha256")
    .update(key ?? "")
    .update(value ?? "")
    .digest();
}
