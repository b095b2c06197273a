/**
 * Every error a person can meet, each with its meaning and the way out. Bad data never becomes one of these (it is a
 * value, a letter); a bug is a plain Error and ends the process; what is left are faults of input and environment.
 */
export const ERROR_CODES = {
  config_invalid: "A setting is missing or out of its limits.",
  file_unusable: "A file that a setting names isn't there, can't be read, or isn't what it should be.",
  input_invalid: "A file, a flag or an event given by the caller can't be used.",
  database_unreachable: "PostgreSQL doesn't answer at DATABASE_URL.",
  pooler_transaction_mode: "DATABASE_URL leads to a pooler that lends a session to others between two transactions.",
  broker_unreachable: "No Kafka broker answers at KAFKA_BROKERS.",
  token_missing: "There is no token to log in by: what gives them doesn't answer, refuses, or gave none.",
  registry_unreachable: "The schema registry doesn't answer at SCHEMA_REGISTRY_URL.",
  tls_refused:
    "A service and this program don't agree on TLS: a certificate, a name, a version, or only one of them speaks it.",
  login_refused: "A service doesn't take the login: user, password, mechanism, or its own rules of who may log in.",
  acl_missing: "Kafka or the schema registry knows the user, and refuses it a right that it needs.",
  registry_refused: "The schema registry refused a schema, as an incompatible change.",
  permission_denied: "PostgreSQL refuses a role a right that it needs, or the login user to switch to a role.",
  not_migrated: "The database is older than this program.",
  database_newer: "The database was migrated by a version that this program is too old to work beside.",
  database_copied:
    "The database has the id of one that lay elsewhere, or that lands beside it: it was restored or copied.",
  encoding_unfit: "The database's encoding can't hold what events hold: it isn't UTF8.",
  catalog_mismatch: "A table's columns, key or days don't fit the events that land in it.",
  not_comparable: "Two databases have other shapes, or haven't landed equally far.",
  not_caught_up: "The log holds events that this database has to land first.",
  topic_missing: "A topic doesn't exist.",
  topic_misconfigured: "A topic has other settings than the pipeline relies on.",
  history_lost: "A partition no longer holds what the database expects next, or holds something else there.",
  batch_unreadable: "A record batch in the log isn't as its producer made it: its checksum or its format is wrong.",
  state_lost:
    "A program's topics no longer hold what its state follows from, and no snapshot of the state stands for it.",
  encoder_bug: "PostgreSQL refused our binary format: a bug of ours, never the data's.",
  landing_refused: "PostgreSQL refused a statement for a reason that no retry and no letter can mend.",
  rows_swallowed: "A table left rows out without an error, as a trigger can make it do.",
  too_many_letters: "Most of a topic's events became dead letters, so the group stopped before it set them all aside.",
  replay_refused:
    "A replay can't be done with this target: other rows, another unfinished replay, or one that is running.",
  replay_differs: "An agent that runs from its session's record asks what the record doesn't have.",
  replay_partial: "A replay filled the database only in part, so live consumers can't go on from it.",
  group_crashed: "A consumer group ended by itself.",
  groups_stopped: "Several consumer groups stopped, each for a reason of its own.",
  publish_refused: "An event was not acknowledged by the broker.",
  publisher_full: "More events are waiting than the buffer holds: the caller doesn't await publish.",
  stack_unavailable: "No local stack can run on this machine.",
  stack_failed: "A part of the local stack didn't start.",
} as const;

/** A code of `ERROR_CODES`. */
export type ErrorCode = keyof typeof ERROR_CODES;

/**
 * Codes of a service that is there and doesn't let this process do what it needs, and of the files by which it logs in. A start
 * ends with one, because waiting doesn't help; a process that was let in before waits, because somebody has changed something and
 * may change it back.
 */
const REFUSALS: ReadonlySet<ErrorCode> = new Set([
  "file_unusable",
  "tls_refused",
  "login_refused",
  "acl_missing",
  "permission_denied",
]);

/** Whether a service, or a file by which this process logs in, refuses it what it may have had before. */
export const isRefusal = (error: unknown): error is TradetapeError =>
  error instanceof TradetapeError && REFUSALS.has(error.code);

interface ErrorOptions {
  /** What to do now, as a sentence. */
  readonly next?: string;
  /** Whether the same call may succeed later without anybody's help. */
  readonly canRetry?: boolean;
  /** What a program may want of the message, as plain data. */
  readonly facts?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** An error with a code, whether a retry can help, and the next step. `message` says what happened and where. */
export class TradetapeError extends Error {
  readonly code: ErrorCode;
  /** Whether the same call may succeed later without anybody's help. */
  readonly canRetry: boolean;
  /** What to do now, as a sentence. */
  readonly next: string | undefined;
  /** What a program may want of the message, as plain data. */
  readonly facts: Readonly<Record<string, unknown>> | undefined;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.name = "TradetapeError";
    this.code = code;
    this.canRetry = options.canRetry ?? false;
    this.next = options.next;
    this.facts = options.facts;
  }
}

/** A refusal as it is to a process that was let in before: it waits until it is let in again. Other errors stay as they are. */
export function passing(error: unknown): unknown {
  if (!isRefusal(error) || error.canRetry) return error;
  const { code, message, next, facts, cause } = error;
  return new TradetapeError(code, message, { canRetry: true, cause, ...(next && { next }), ...(facts && { facts }) });
}

/** A number as a message shows it. */
export const count = (n: number | bigint): string => n.toLocaleString("en-US");

/** `text` as a message shows it: quoted, escaped and short. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}...` : text);
}
