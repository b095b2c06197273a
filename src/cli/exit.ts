import { CommanderError } from "commander";
import { TradetapeError } from "../errors.ts";
import type { Log } from "../log.ts";
import { type DatabaseFault, faultKindOf, isDatabaseFault } from "../table/sqlstate.ts";
import { printable } from "./output.ts";

/** What a command's end tells the shell. */
export const EXIT = {
  good: 0,
  /** The command did its work and found something wrong: rejects, a check that doesn't hold. */
  foundWrong: 1,
  /** The command can't do its work: bad input, a setting, a service that doesn't answer. */
  cannot: 2,
  /** sysexits' EX_SOFTWARE: our own fault, with its stack. */
  bug: 70,
  /** Stopped by a signal with everything in order: the same command goes on from there. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

interface Failure {
  readonly code: ExitCode;
  /** For standard error; empty when commander has already written it. */
  readonly text: string;
}

/**
 * Says an error once: what and where, then why, then what to do. A TradetapeError is a sentence of ours, and an outage of
 * PostgreSQL becomes one; anything else is a bug, whose stack is the only thing that helps.
 */
export function describeFailure(thrown: unknown, json: boolean): Failure {
  const error = outageAsError(thrown);
  if (error instanceof CommanderError) return { code: error.exitCode === 0 ? EXIT.good : EXIT.cannot, text: "" };
  if (error instanceof TradetapeError) {
    return { code: EXIT.cannot, text: json ? failureJson(error) : failureText(error) };
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: EXIT.bug, text: `A bug in tradetape, please report it with these lines:\n${stack}\n` };
}

/** Says an error as `describeFailure` does, and a bug, too, in one line of a service's log. @returns the exit code */
export function logFailure(thrown: unknown, log: Log): ExitCode {
  const error = outageAsError(thrown);
  if (error instanceof TradetapeError) {
    log.fatal({ code: error.code, error: factsOf(error) }, error.message);
    return EXIT.cannot;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  log.fatal({ code: "bug", stack }, "a bug in tradetape, please report it with this line");
  return EXIT.bug;
}

/** What was thrown, where PostgreSQL ended the session as a sentence of ours. */
export const outageAsError = (thrown: unknown): unknown => (isOutage(thrown) ? sessionEnded(thrown) : thrown);

/** Whether PostgreSQL ended the session or the statement for a reason of its own: a shutdown, an administrator, a full disk. */
const isOutage = (error: unknown): error is DatabaseFault & Error =>
  isDatabaseFault(error) && faultKindOf(error) === "environment";

const sessionEnded = (cause: DatabaseFault & Error): TradetapeError =>
  new TradetapeError("database_unreachable", `PostgreSQL: ${cause.message} (SQLSTATE ${cause.code})`, {
    canRetry: true,
    cause,
    next: "The server's log says why. Start the command again when that is over.",
  });

function failureText(error: TradetapeError): string {
  const lines = [`tradetape: ${error.code}: ${error.message}`];
  const why = causeOf(error);
  if (why !== undefined && !error.message.includes(why)) lines.push(`  because: ${why}`);
  if (error.next !== undefined) lines.push(`  next: ${error.next}`);
  if (error.canRetry) lines.push("  The same command may succeed later.");
  // A message may quote what somebody published.
  const shown = lines.flatMap((line) => line.split("\n")).map(printable);
  return `${shown.join("\n")}\n`;
}

const failureJson = (error: TradetapeError): string => `${JSON.stringify({ error: factsOf(error) })}\n`;

function factsOf(error: TradetapeError): object {
  const { code, message, next, canRetry, facts } = error;
  return { code, message, because: causeOf(error), next, canRetry, ...facts };
}

function causeOf(error: Error): string | undefined {
  if (!(error.cause instanceof Error)) return undefined;
  // Node's connection errors to several addresses come as an AggregateError whose own message is empty.
  if (error.cause instanceof AggregateError && error.cause.message === "") {
    return error.cause.errors.map((e) => (e instanceof Error ? e.message : String(e))).join("; ");
  }
  return error.cause.message || undefined;
}
