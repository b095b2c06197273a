import pg from "pg";
import { TradetapeError } from "../errors.ts";
import { namedBy, prefixInOwner, type Role } from "../settings/role-names.ts";
import { quoted } from "./sql.ts";
import { isDatabaseFault } from "./sqlstate.ts";

const INSUFFICIENT_PRIVILEGE = "42501";
/** Of SET ROLE: there is no such role. */
const INVALID_PARAMETER_VALUE = "22023";

/** There is no such table, column or function. */
const UNDEFINED = new Set(["42P01", "42703", "42883"]);

/** SQL; whose the schema is. */
const SCHEMA_OWNER = "SELECT pg_get_userbyid(nspowner)::text AS owner FROM pg_namespace WHERE nspname = 'tradetape'";

/**
 * The error of a database whose roles are called otherwise than this program was told: under other names it would be another's.
 * @param owner of its schema @returns undefined where they are called so, or the owner is none of the roles
 */
export function otherPrefix(owner: string, rolePrefix: string, place: string): TradetapeError | undefined {
  const prefix = prefixInOwner(owner);
  if (prefix === undefined || prefix === rolePrefix) return undefined;
  const message = `${place} belongs to ${owner}, and this program's role is ${rolePrefix}tradetape_owner`;
  return new TradetapeError("permission_denied", message, {
    next:
      prefix === ""
        ? "Unset TRADETAPE_ROLE_PREFIX, or rename the roles: docs/operations.md says how."
        : `Set TRADETAPE_ROLE_PREFIX=${prefix}.`,
  });
}

/** The way out where a role lacks what a migration gave it, as after a restore without owners or privileges. */
export const GIVE_BACK =
  "Run `tradetape migrate --repair` as a superuser, or as whoever owns the tables: it gives back what the migrations gave.";

/** Whose rights a session has. */
interface Session {
  readonly user: string;
  readonly role: Role | undefined;
  readonly rolePrefix: string;
}

/**
 * Turns two of PostgreSQL's errors into ones that name the way out, and leaves every other as it is: a missing right becomes
 * `permission_denied`, and a missing table, column or function becomes `catalog_mismatch`. To the lander a missing thing stays
 * PostgreSQL's error, because a trigger of somebody's may be what misses it, and `landing_refused` says that.
 */
export function explained(error: unknown, place: string, session: Session): unknown {
  if (!isDatabaseFault(error)) return error;
  if (UNDEFINED.has(error.code) && session.role !== "tradetape_lander") {
    return new TradetapeError("catalog_mismatch", `${place}: ${error.message}`, {
      cause: error,
      next:
        "Run `tradetape migrate --repair --dry-run`: it names what the migrations made and isn't there. Make that again as " +
        "its migration in schemas/sql does.",
    });
  }
  if (error.code !== INSUFFICIENT_PRIVILEGE) return error;
  const role = session.role ? namedBy(session.rolePrefix, session.role) : session.user;
  return new TradetapeError("permission_denied", `${place} refuses ${role}: ${error.message}`, {
    canRetry: true,
    cause: error,
    next:
      `${GIVE_BACK} A right that no migration gave, GRANT ${role} by hand. ` +
      `Of a row security policy: ALTER ROLE ${role} BYPASSRLS.`,
  });
}

/** @param error what SET ROLE failed with @returns whether the role isn't there, or the login user may not switch to it */
const isOfRole = (error: unknown): error is Error & { readonly code: string } =>
  isDatabaseFault(error) && (error.code === INSUFFICIENT_PRIVILEGE || error.code === INVALID_PARAMETER_VALUE);

/** The error of a login user that may not switch to a role. @param isSince16 whether memberships have options of their own */
export function mayNotSwitch(
  error: Error & { readonly code: string },
  place: string,
  { user, role, isSince16 }: { readonly user: string; readonly role: string; readonly isSince16: boolean },
): TradetapeError {
  const grant = `GRANT ${role} TO ${quoted(user)}${isSince16 ? " WITH SET TRUE" : ""}`;
  const isThere = error.code === INSUFFICIENT_PRIVILEGE;
  return new TradetapeError("permission_denied", `${place}: ${user} may not switch to ${role}: ${error.message}`, {
    cause: error,
    next: isThere
      ? `Let a superuser run: ${grant}`
      : "Run `tradetape migrate --repair` as a superuser, which makes the roles that are missing and gives them their " +
        `rights. Unless ${user} is a superuser, let one then run: ${grant}`,
  });
}

/** @throws TradetapeError permission_denied */
export async function switchRole(client: pg.Client, as: Role, rolePrefix: string, place: string): Promise<void> {
  const role = namedBy(rolePrefix, as);
  try {
    await client.query(`SET ROLE ${pg.escapeIdentifier(role)}`);
  } catch (error) {
    if (!isOfRole(error)) throw error;
    const { rows: schemas } = await client.query<{ owner: string }>(SCHEMA_OWNER);
    const other = schemas[0] && otherPrefix(schemas[0].owner, rolePrefix, place);
    if (other) throw other;
    const { rows } = await client.query<{ isSince16: boolean }>(
      `SELECT current_setting('server_version_num')::int >= 160000 AS "isSince16"`,
    );
    throw mayNotSwitch(error, place, { user: client.user ?? "the login user", role, ...rows[0]! });
  }
}
