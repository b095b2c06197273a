import { TradetapeError } from "../errors.ts";
import { faultKindOf, isDatabaseFault } from "./sqlstate.ts";

/** The host and database of a URL, without user and password. */
export function addressOf(databaseUrl: string): string {
  const url = new URL(databaseUrl);
  return `${url.host}${url.pathname}`;
}

/** The same, as errors name it. */
export const serverOf = (databaseUrl: string): string => `PostgreSQL at ${addressOf(databaseUrl)}`;

/** A server that doesn't answer, or a session that is gone, as an error that says whether to try again. */
export function unreachable(databaseUrl: string, cause: unknown): TradetapeError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const canRetry = !isDatabaseFault(cause) || faultKindOf(cause) === "environment";
  return new TradetapeError("database_unreachable", `${serverOf(databaseUrl)}: ${reason}`, {
    canRetry,
    cause,
    next: "Check that it runs, that DATABASE_URL is right, and that the user may log in.",
  });
}
