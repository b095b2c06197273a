import { kindsText } from "../../batch/land/letter-digest.ts";
import { AFTERWARDS } from "../../batch/run/group-state.ts";
import { speaks } from "../../status/group-word.ts";
import { type HeardState, readStates } from "../../table/checks/group-states.ts";
import type { Connection } from "../../table/connection.ts";
import { printable } from "../output.ts";

/** A group that waits or that a trouble has stopped, for a person. */
export function troubleText(heard: HeardState): string {
  const { topic, process, state, since, code, reason, next, seenAt, endedAt, isSilent } = heard;
  const tells = isSilent ? `, which told of it last at ${seenAt}` : "";
  const head = `${topic} ${state} since ${since}, in ${process}${tells}${endedAt ? `, whose run ended at ${endedAt}` : ""}`;
  const why = `${code === null ? "" : `${code}: `}${reason}`;
  const steps = next === null ? [] : `next: ${next}`.split("\n");
  const lines = [...why.split("\n"), ...steps, ...(state === "stopped" ? [afterwards(heard)] : [])];
  return [head, ...lines.map((line) => `  ${printable(line)}`)].join("\n");
}

function afterwards({ retryAt, isSilent }: HeardState): string {
  if (isSilent) return "Once that is done, start the process again if it has ended: it was to try again by itself.";
  return retryAt === null ? AFTERWARDS.over : `${AFTERWARDS.retried} It tries at ${retryAt}.`;
}

/** Runs that ended with nothing wrong, a line for each. @param ended what they told of their groups */
export const endedText = (ended: readonly HeardState[]): readonly string[] =>
  [...Map.groupBy(ended, ({ process, reason }) => `${process}: ${reason}`)].map(([what, groups]) => {
    const topics = groups.map(({ topic }) => topic).join(", ");
    return `ended at ${groups[0]!.endedAt}, in ${what} (${topics})`;
  });

/** Letters that stopped a group and were rolled back: they are in no table. */
export function rolledBackText({ topic, letters, since }: HeardState): string {
  const lines = kindsText(letters!).split("\n");
  return [
    `${topic} stopped at ${since}, and these letters were rolled back:`,
    ...lines.map((l) => `  ${printable(l)}`),
  ].join("\n");
}

/** Who lands a topic now, as the end of a sentence about what is to become of its events. @param name the full name */
export async function whoLands(connection: Connection, topic: string, name: string): Promise<string> {
  const [first] = (await readStates(connection)).filter((heard) => heard.topic === name && speaks(heard));
  if (first === undefined) return `no process lands it now: \`tradetape consume ${topic}\` does`;
  const { state, process, retryAt } = first;
  if (state !== "stopped") return `its group lands on, in ${process}`;
  return retryAt === null
    ? `its group isn't tried again in ${process}: start \`tradetape consume ${topic}\``
    : `its group tries again by itself within a minute, in ${process}`;
}
