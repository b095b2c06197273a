import { BECAUSE } from "../../batch/land/letter-verdict.ts";
import type { HeldAllowance } from "../../table/letters/allowed-letters.ts";
import { printable } from "../output.ts";
import { count } from "../progress.ts";

/** What somebody has allowed of a topic, what has come of it, and the command that ends it. */
export function allowedText(allowed: HeldAllowance): string {
  const { topic, since, by, note, letters } = allowed;
  const [what, end] =
    allowed.schemaId === null
      ? [`offsets ${allowed.fromOffset} to ${allowed.nextOffset - 1} of partition ${allowed.partition}`, "set-aside"]
      : [`events of schema ${allowed.schemaId}`, "skip-schema"];
  const schema = allowed.schemaId === null ? "" : ` ${allowed.schemaId}`;
  return (
    `${topic}: ${what} become letters without stopping the group, ${count(letters)} so far; since ${since} by ` +
    `${printable(by)}: ${printable(note)}; ended by \`tradetape dead-letters ${end} ${topic}${schema} --end ${BECAUSE}\``
  );
}
