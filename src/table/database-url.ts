import { readAgain } from "../config/secrets.ts";
import { TradetapeError } from "../errors.ts";
import { tlsNext } from "../own-file/tls-fault.ts";
import { databaseHosts, readDatabaseUrl, sourceOf } from "../settings/urls.ts";
import { tlsFaultAt } from "./login/ways.ts";
import { quoted } from "./sql.ts";
import { faultKindOf, isDatabaseFault } from "./sqlstate.ts";

/** The hosts and the database of a URL, without user and password. */
export function addressOf(databaseUrl: string): string {
  const urls = databaseHosts(databaseUrl).urls.map((url) => new URL(url));
  return `${urls.map(({ host }) => host).join(",")}${urls[0]!.pathname}`;
}

/** The same, as errors name it. */
export const serverOf = (databaseUrl: string): string => `PostgreSQL at ${addressOf(databaseUrl)}`;

/**
 * The URL for a session that begins now: one of a file is read there again, so that its login may be changed under a process
 * that runs. Where the database is stays as it was.
 * @throws TradetapeError file_unusable, config_invalid, canRetry
 */
export function currentUrl(databaseUrl: string): string {
  const source = sourceOf(databaseUrl);
  if (source === undefined) return databaseUrl;
  const { file, added } = source;
  const text = readAgain(`the URL of ${serverOf(databaseUrl)}`, file);
  const isUrl = typeof readDatabaseUrl(text) !== "string";
  if (isUrl && addressOf(text) === addressOf(databaseUrl)) {
    return text + (text.includes("?") ? added : added.replace("&", "?"));
  }
  const what = isUrl ? "names another database than when the process began" : "holds no URL of a database";
  throw new TradetapeError("config_invalid", `${serverOf(databaseUrl)}: the file ${file} ${what}`, {
    canRetry: true,
    next: "Put the database's URL back there, or start the process again for another database.",
  });
}

/** PostgreSQL has it for messages that it can't read; a pooler such as PgBouncer has no other for all that it refuses. */
const PROTOCOL_VIOLATION = "08P01";

const POOLER_NEXT =
  "That is a pooler's answer, and its log says more. A process takes up to TRADETAPE_DATABASE_SESSIONS_MAX sessions of " +
  "its pool, and startup parameters in DATABASE_URL, such as options, have to be taken out.";

const PLAIN_NEXT = "Check that it runs, and that DATABASE_URL is right.";

const TLS_SETTINGS = {
  address: "DATABASE_URL",
  authority: "sslrootcert in DATABASE_URL, or PGSSLROOTCERT",
  own: "sslcert and sslkey in DATABASE_URL, or PGSSLCERT and PGSSLKEY",
  use: "sslmode in DATABASE_URL",
};

/**
 * A server that doesn't answer or doesn't let this process in, or a session that is gone, as an error that says whether to try
 * again.
 */
export function unreachable(databaseUrl: string, cause: unknown): TradetapeError {
  const message = `${serverOf(databaseUrl)}: ${reasonOf(cause)}`;
  const tls = tlsFaultAt(cause);
  if (tls !== undefined) return new TradetapeError("tls_refused", message, { cause, next: tlsNext(tls, TLS_SETTINGS) });
  const login = loginNext(cause);
  if (login !== undefined) return new TradetapeError("login_refused", message, { cause, next: login });
  if (isDatabaseFault(cause) && cause.code === INSUFFICIENT_PRIVILEGE) {
    const { pathname, username } = new URL(databaseHosts(databaseUrl).urls[0]!);
    const [database, user] = [pathname.slice(1), username || "the login user"].map(decodeURIComponent);
    const next = `Let the database's owner run: GRANT CONNECT ON DATABASE ${quoted(database!)} TO ${quoted(user!)}`;
    return new TradetapeError("permission_denied", message, { cause, next });
  }
  const canRetry = !isDatabaseFault(cause) || faultKindOf(cause) === "environment";
  return new TradetapeError("database_unreachable", message, { canRetry, cause, next: nextOf(cause) });
}

/** No rule of pg_hba.conf is for such a login, or no such user may log in. */
const INVALID_AUTHORIZATION = "28000";
/** Of a login: the user may not connect to the database. */
const INSUFFICIENT_PRIVILEGE = "42501";
const NO_SUCH_DATABASE = "3D000";

/** The next step where the login is refused; pg has no code for what fails on our side of it, as without a password. */
function loginNext(cause: unknown): string | undefined {
  if (!isDatabaseFault(cause)) return reasonOf(cause).startsWith("SASL: ") ? CHECK_PASSWORD : undefined;
  if (cause.code === INVALID_AUTHORIZATION) {
    return NO_RULE;
  }
  return cause.code.startsWith("28") ? CHECK_PASSWORD : undefined;
}

const NO_RULE =
  "Let the server's pg_hba.conf have a line for this user, database, address and way (TLS or not), and the role LOGIN. A " +
  "certificate that it asks for goes by sslcert and sslkey.";
const CHECK_PASSWORD = "Check the user and the password in DATABASE_URL (or PGPASSWORD, or ~/.pgpass).";

function nextOf(cause: unknown): string {
  if (!isDatabaseFault(cause)) return PLAIN_NEXT;
  if (cause.code === NO_SUCH_DATABASE)
    return "Name a database that is there in DATABASE_URL, or make it: CREATE DATABASE.";
  return cause.code === PROTOCOL_VIOLATION ? POOLER_NEXT : PLAIN_NEXT;
}

/** What an error says; one of several addresses of a name has no message, but a code. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message || ("code" in error ? String(error.code) : error.name);
}
