import type { LedgerRow } from "../table/landing/ledger.ts";

/** What a group landed in one step. */
export interface LandedStep {
  /** The full name. */
  readonly topicName: string;
  readonly partition: number;
  readonly ledger: readonly LedgerRow[];
  /** The broker's time of its first record, milliseconds since 1970; undefined where it had none from the log. */
  readonly firstPublishedAtMs: number | undefined;
}

/** Is told of each landing when it has committed: once for a batch, never for a row. */
export type LandingMeter = (step: LandedStep) => void;
