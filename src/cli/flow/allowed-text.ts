import { BECAUSE } from "../../batch/land/letter-verdict.ts";
import type { CountedAllowance, HeldAllowance } from "../../table/letters/allowed-letters.ts";
import { printable } from "../output.ts";
import { count } from "../progress.ts";

/** What somebody has allowed of a topic, what has come of it where that was counted, and the command that ends it. */
export function allowedText(allowed: HeldAllowance | CountedAllowance): string {
  const { topic, since, by, note } = allowed;
  const [what, end] =
    allowed.schemaId === null
      ? [`offsets ${allowed.fromOffset} to ${allowed.nextOffset - 1} of partition ${allowed.partition}`, "set-aside"]
      : [`events of schema ${allowed.schemaId}`, "skip-schema"];
  const schema = allowed.schemaId === null ? "" : ` ${allowed.schemaId}`;
  const soFar = "letters" in allowed ? `, ${count(allowed.letters)} so far` : "";
  return (
    `${topic}: ${what} become letters without stopping the group${soFar}; since ${since} by ` +
    `${printable(by)}: ${printable(note)}; ended by \`tradetape dead-letters ${end} ${topic}${schema} --end ${BECAUSE}\``
  );
}
