import type { HeardState } from "../table/checks/group-states.ts";

/**
 * `silent`: a process that told of running or waiting tells no more. `none`: no process tells of a group of this topic.
 * `stopped` and `ended` may be what a run told at its end.
 */
export type GroupWord = HeardState["state"] | "silent" | "none";

/** Whether a process tells of its group still. */
export const speaks = ({ isSilent, endedAt }: HeardState) => !isSilent && endedAt === null;

/** What a topic's group does, in a word. @param heard of one topic, the worst first */
export function groupWord(heard: readonly HeardState[]): GroupWord {
  const speaking = heard.find(speaks);
  if (speaking !== undefined) return speaking.state;
  const [last] = heard.toSorted((a, b) => b.seenAt.localeCompare(a.seenAt));
  if (last === undefined) return "none";
  return last.state === "stopped" || last.state === "ended" ? last.state : "silent";
}
