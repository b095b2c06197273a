import { TradetapeError } from "../errors.ts";
import { databaseHosts } from "../settings/urls.ts";
import { isTlsFault } from "./login/ways.ts";
import { faultKindOf, isDatabaseFault } from "./sqlstate.ts";

/** The hosts and the database of a URL, without user and password. */
export function addressOf(databaseUrl: string): string {
  const urls = databaseHosts(databaseUrl).urls.map((url) => new URL(url));
  return `${urls.map(({ host }) => host).join(",")}${urls[0]!.pathname}`;
}

/** The same, as errors name it. */
export const serverOf = (databaseUrl: string): string => `PostgreSQL at ${addressOf(databaseUrl)}`;

/** PostgreSQL has it for messages that it can't read; a pooler such as PgBouncer has no other for all that it refuses. */
const PROTOCOL_VIOLATION = "08P01";

const POOLER_NEXT =
  "That is a pooler's answer, and its log says more. A process takes up to TRADETAPE_DATABASE_SESSIONS_MAX sessions of " +
  "its pool, and startup parameters in DATABASE_URL, such as options, have to be taken out.";

const PLAIN_NEXT = "Check that it runs, that DATABASE_URL is right, and that the user may log in.";

const TLS_NEXT =
  "Compare sslmode with what the server has: TLS at all (ssl = on), a certificate by an authority of sslrootcert and in date, " +
  "for verify-full by the host's name in the URL; and the client's sslcert with what the server trusts.";

/** A server that doesn't answer, or a session that is gone, as an error that says whether to try again. */
export function unreachable(databaseUrl: string, cause: unknown): TradetapeError {
  const canRetry = !isTlsFault(cause) && (!isDatabaseFault(cause) || faultKindOf(cause) === "environment");
  return new TradetapeError("database_unreachable", `${serverOf(databaseUrl)}: ${reasonOf(cause)}`, {
    canRetry,
    cause,
    next: nextOf(cause),
  });
}

function nextOf(cause: unknown): string {
  if (isTlsFault(cause)) return TLS_NEXT;
  return isDatabaseFault(cause) && cause.code === PROTOCOL_VIOLATION ? POOLER_NEXT : PLAIN_NEXT;
}

/** What an error says; one of several addresses of a name has no message, but a code. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message || ("code" in error ? String(error.code) : error.name);
}
