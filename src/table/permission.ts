import { TradetapeError } from "../errors.ts";
import { isDatabaseFault } from "./sqlstate.ts";

const INSUFFICIENT_PRIVILEGE = "42501";
/** Of SET ROLE: there is no such role. */
const INVALID_PARAMETER_VALUE = "22023";

/** Says of a missing right whose it is and how it is given; leaves every other error as it is. */
export function explained(error: unknown, place: string, role: string): unknown {
  if (!isDatabaseFault(error) || error.code !== INSUFFICIENT_PRIVILEGE) return error;
  return new TradetapeError("permission_denied", `${place} refuses ${role}: ${error.message}`, {
    canRetry: true,
    cause: error,
    next:
      `GRANT ${role} that right again, as the migrations in schemas/sql did. ` +
      `Of a row security policy: ALTER ROLE ${role} BYPASSRLS.`,
  });
}

/** The error of a login user that may not switch to a role; undefined where that isn't what went wrong. */
export function mayNotSwitch(
  error: unknown,
  place: string,
  { user, role }: { readonly user: string; readonly role: string },
): TradetapeError | undefined {
  if (!isDatabaseFault(error)) return undefined;
  if (error.code !== INSUFFICIENT_PRIVILEGE && error.code !== INVALID_PARAMETER_VALUE) return undefined;
  return new TradetapeError("permission_denied", `${place}: ${user} may not switch to ${role}: ${error.message}`, {
    cause: error,
    next:
      `Let a superuser run: GRANT ${role} TO "${user}". ` +
      `Where there is no such role, before that: CREATE ROLE ${role} NOLOGIN.`,
  });
}
