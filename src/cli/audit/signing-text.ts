import type { Signing } from "../../verify/signed-entries.ts";
import { printable } from "../output.ts";
import { count } from "../progress.ts";

/** How many actors are named to people; `--json` has more. */
const NAMED_MAX = 5;

/** How many entries are signed, by which key, and whose are not, in one line. */
export function signingText({ signed, unsigned, actors, others }: Signing): string {
  const keys = Object.entries(signed).map(([key, entries]) => `${count(entries)} by ${printable(key)}`);
  const named = actors.slice(0, NAMED_MAX).map(({ actor, entries }) => `${count(entries)} of ${printable(actor)}`);
  const rest = actors.slice(NAMED_MAX).reduce((sum, { entries }) => sum + entries, others);
  const whose = [...named, ...(rest > 0 ? [`${count(rest)} of others`] : [])];
  return [
    `signed: ${keys.length > 0 ? keys.join(", ") : "none"}`,
    `unsigned: ${count(unsigned)}${whose.length > 0 ? ` (${whose.join(", ")})` : ""}`,
  ].join("; ");
}

/** What a warning says of entries that came unsigned behind signed ones of the same actor; nothing where there are none. */
export function unsignedWarnings({ actors }: Signing): string[] {
  const late = actors.filter(({ afterSigned }) => afterSigned > 0);
  if (late.length === 0) return [];
  const entries = late.reduce((sum, { afterSigned }) => sum + afterSigned, 0);
  const named = late
    .slice(0, NAMED_MAX)
    .map(
      ({ actor, afterSigned, seq, logId }) =>
        `${printable(actor)} ${count(afterSigned)}, the newest entry ${seq} (${logId})`,
    );
  const rest = late.length > NAMED_MAX ? [`${count(late.length - NAMED_MAX)} more`] : [];
  return [
    `${count(entries)} entries aren't signed, though entries of their actors before them are: ` +
      `${[...named, ...rest].join("; ")}. ` +
      "Somebody else wrote them, or a process that has no TRADETAPE_AUDIT_SIGN_FILE",
  ];
}
