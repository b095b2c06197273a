import type { LetterReason } from "../../event/letter.ts";
import type { Day } from "../../table/landing/days.ts";
import type { Records } from "../../topic/fetch/records.ts";
import type { Rows } from "./rows.ts";
import type { SessionFate } from "./session-sieve.ts";

/** An event set aside, by its record's index. */
export interface Letter {
  readonly index: number;
  readonly reason: LetterReason;
  readonly detail: string;
  readonly column?: string | undefined;
  readonly sqlstate?: string | undefined;
}

/** Records made ready to land: [firstOffset, nextOffset) is covered by these rows and letters and by nothing else. */
export interface EncodedBatch {
  readonly partition: number;
  readonly firstOffset: number;
  readonly nextOffset: number;
  readonly records: Records;
  /** The records [from, to) of `records` are in this batch. */
  readonly from: number;
  readonly to: number;
  readonly rows: Rows;
  readonly letters: readonly Letter[];
  /** How many of its records the group doesn't serve: of a deleted session, or outside its filter. */
  readonly filtered: number;
  /** The sessions that its rows belong to, where the table has no parents to ask; live events belong to none. */
  readonly sessions: readonly string[];
  /** The UTC days that its rows need partitions of; empty where the table has none. */
  readonly days: readonly Day[];
}

/** What the records cover, the first one to take, and the sessions whose events don't land. */
export interface EncodeRange {
  readonly firstOffset: number;
  readonly nextOffset: number;
  readonly from: number;
  /** Where to stop; all records when absent. */
  readonly to?: number;
  readonly fates?: ReadonlyMap<string, SessionFate>;
}
