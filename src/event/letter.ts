/**
 * Why an event was set aside, as `tradetape.dead_letter.reason` holds it. A letter is about one event's own data: a
 * fault of the environment never has a reason here, it is retried.
 */
export const LETTER_REASONS = {
  null_value: "The message has no value; no topic of ours has tombstones.",
  not_avro: "The value is too short for, or doesn't begin like, the registry's wire format.",
  unreadable_batch:
    "Its record batch grows beyond 64 MiB, or isn't what its codec or its header says: one letter for all of its records.",
  unknown_schema: "The registry has no schema of that id, or one that no event can be read with.",
  foreign_schema:
    "The writer's schema is registered for something else: under no subject that the topic admits (docs/kafka.md).",
  hostile_schema:
    "The writer's schema is larger, deeper or of more types than programs write: reading by it could take for ever.",
  undecodable: "The bytes don't fit the schema they name, or can't be read as the event.",
  too_large: "The event is larger than TRADETAPE_EVENT_BYTES_MAX.",
  invalid: "A field breaks the contract beyond what Avro can say.",
  time_out_of_range: "The event's time is beyond the broker's time plus two days.",
  time_unit:
    "The writer's schema doesn't say what a time counts, or a time lies in the first quarter of 1970, where seconds and " +
    "milliseconds lie by mistake.",
  producer_time:
    "The record was written while its topic's message.timestamp.type was CreateTime, so nobody knows when it was published.",
  conflicting_duplicate: "An event of this id has landed with other content.",
  missing_parent: "The event it belongs to never came.",
  log_cut:
    "It waited for the event it belongs to when its topic's log lost it, as an election or a topic made again does.",
  unknown_session: "The session it belongs to never came.",
  session_mismatch: "It belongs to another session than its parent.",
  rule_broken: "It breaks a rule of schemas/rules.json, which the detail names (docs/rules.md).",
  wrong_signature:
    "It is an audit entry whose signature isn't by a key of TRADETAPE_AUDIT_KEYS_FILE that may speak for its actor.",
  refused: "PostgreSQL refused the row for its data.",
} as const;

export type LetterReason = keyof typeof LETTER_REASONS;

/** Bad data as a value: what a reader returns in place of an event, told apart by `instanceof`. */
export class Refusal {
  readonly reason: LetterReason;
  /** What is wrong with it, for a person. */
  readonly detail: string;
  /** The field that is wrong, where one can be named. */
  readonly column: string | undefined;

  constructor(reason: LetterReason, detail: string, column?: string) {
    this.reason = reason;
    this.detail = detail;
    this.column = column;
  }
}
