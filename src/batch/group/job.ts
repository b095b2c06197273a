import type { LedgerRow } from "../../table/landing/ledger.ts";
import type { EncodedBatch } from "../encode/encoded-batch.ts";

/** What waits for its turn on a partition. Sweeps queue with the batches, so that they land in order with them. */
export type Job =
  | { readonly kind: "batch"; readonly batch: EncodedBatch; readonly bytes: number }
  | { readonly kind: "sweep"; readonly bytes: 0 };

/** What became of a lane's job, as `JobRunner.run` returns it. */
export interface LaneStep {
  readonly nextOffset: number;
  /** The rows that the job has added to the ledger. */
  readonly ledger: readonly LedgerRow[];
  /** How many of the partition's events are parked, where `ledger` may not account for all that changed. */
  readonly parked?: number | undefined;
  /** Whether the job began beyond the database's next offset, as all that is queued behind it then does. */
  readonly ahead: boolean;
}
