import type { LedgerRow } from "../../table/landing/ledger.ts";
import type { SumsText } from "../../table/rows/row-sums.ts";
import type { EncodedBatch, Letter } from "../encode/encoded-batch.ts";

/** An event that waits for its parents. */
export interface Parked {
  readonly index: number;
  readonly eventId: string;
  /** The parents that have not landed, by the child's column; empty where it only waits behind an earlier one of its id. */
  readonly missing: Readonly<Record<string, string>>;
}

/** What became of the records of one batch. written + duplicate + replaced + filtered + letters + parked = records. */
export interface Outcome {
  readonly written: number;
  readonly duplicate: number;
  readonly replaced: number;
  /** Among `replaced`: how many moved the row before them into the revisions. */
  readonly superseded: number;
  readonly filtered: number;
  readonly letters: readonly Letter[];
  readonly parked: readonly Parked[];
  /** Indexes of the records that were written or replaced, where each event has audit entries of its own; else empty. */
  readonly toAudit: readonly number[];
  /** Of the rows that went in, where batches have receipts; undefined also where it isn't known which did. */
  readonly rowSums?: SumsText | undefined;
}

export const NOTHING_LANDED: Outcome = {
  written: 0,
  duplicate: 0,
  replaced: 0,
  superseded: 0,
  filtered: 0,
  letters: [],
  parked: [],
  toAudit: [],
};

/** The sums of the rows that went in, as the ledger has them: the receipt has the same. */
export const sumsDetail = ({ rowSums }: Outcome): { readonly row_sums: SumsText } | undefined =>
  rowSums && { row_sums: rowSums };

/** The ledger row of a batch or a release. A release covers no offsets, and counts what it takes up as parked less. */
export function ledgerOf(kind: LedgerRow["kind"], batch: EncodedBatch, outcome: Outcome): LedgerRow {
  const read = kind === "batch" ? batch.to - batch.from : 0;
  const { written, duplicate, replaced, superseded } = outcome;
  const filtered = batch.filtered + outcome.filtered;
  const dead = batch.letters.length + outcome.letters.length;
  const parked = kind === "batch" ? outcome.parked.length : -(written + duplicate + replaced + filtered + dead);
  const { firstOffset, nextOffset } = batch;
  const holes = kind === "batch" ? nextOffset - firstOffset - read : 0;
  const counts = { read, written, duplicate, replaced, superseded, dead, parked, filtered };
  return { kind, firstOffset, nextOffset, holes, lost: 0, ...counts };
}
