import type { Day } from "../../event/day.ts";
import type { LetterReason } from "../../event/letter.ts";
import type { Rule } from "../../event/rules.ts";
import { NO_BROKERS_TIME, type Records } from "../../topic/fetch/records.ts";
import type { Rows } from "./rows.ts";
import type { SessionFate } from "./session-sieve.ts";

/** An event that can't become a row: the index of its record, and why. */
export interface Letter {
  readonly index: number;
  readonly reason: LetterReason;
  readonly detail: string;
  readonly column?: string | undefined;
  readonly sqlstate?: string | undefined;
}

/** What a letter says of an event that breaks a rule: the rule's own words, and its name. */
export const brokenLetter = ({ name, field, says }: Pick<Rule, "name" | "field" | "says">): Omit<Letter, "index"> => ({
  reason: "rule_broken",
  detail: `${says} (${name})`,
  column: field,
});

/** Records made ready to land: the offsets [firstOffset, nextOffset) land with this batch and with no other. */
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
  /** How many of the records the group doesn't serve: those of a deleted session, or outside its filter. */
  readonly filtered: number;
  /** The sessions that `SessionGate` has to ask for: those of the rows, where the table has no foreign keys. */
  readonly sessions: readonly string[];
  /** The UTC days that the rows need partitions of; empty where the table isn't partitioned. */
  readonly days: readonly Day[];
  /** Where it was read; undefined of what isn't from the log, as a release. */
  readonly origin?: BatchOrigin | undefined;
}

/** The broker's time of a record, milliseconds since 1970; undefined where it has none, or isn't in the batch. */
export function publishedAtMs({ records, from, to }: EncodedBatch, index: number): number | undefined {
  const timeMs = index >= from && index < to ? records.publishedAtMs(index) : NO_BROKERS_TIME;
  return timeMs === NO_BROKERS_TIME ? undefined : timeMs;
}

/** Which log a batch was read from. */
interface BatchOrigin {
  /** How often its partition had been rewound: at another number its offsets name records of another log. */
  readonly rewinds: number;
  /** The number of the claim under which it was read: after a later claim it doesn't land. */
  readonly claims: number;
  /** The epoch of the leader that took its last offset; undefined where the log doesn't say it. */
  readonly leaderEpoch: number | undefined;
  /** The topic's own id; null where no broker tells it. */
  readonly topicId: string | null;
}

/** Which records `encodeBatch` takes, which offsets they cover, and the sessions whose events don't land. */
export interface EncodeRange {
  readonly firstOffset: number;
  readonly nextOffset: number;
  readonly from: number;
  /** Where to stop; all records when absent. */
  readonly to?: number;
  readonly fates?: ReadonlyMap<string, SessionFate>;
}
