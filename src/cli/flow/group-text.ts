import { kindsText } from "../../batch/land/letter-digest.ts";
import type { HeardState } from "../../table/checks/group-states.ts";
import { printable } from "../output.ts";

/** `silent`: a process that told of running or waiting tells no more. `none`: no process tells of a group of this topic. */
export type GroupWord = HeardState["state"] | "silent" | "none";

/** @param heard of one topic, the worst first */
export function groupWord(heard: readonly HeardState[]): GroupWord {
  const speaking = heard.find(({ isSilent }) => !isSilent);
  if (speaking !== undefined) return speaking.state;
  const [last] = heard;
  if (last === undefined) return "none";
  return last.state === "stopped" ? "stopped" : "silent";
}

/** A group that doesn't run, for a person. */
export function troubleText(heard: HeardState): string {
  const { topic, process, state, since, code, reason, next, retryAt, seenAt, isSilent } = heard;
  const head = `${topic} ${state} since ${since}, in ${process}${isSilent ? `, which told of it last at ${seenAt}` : ""}`;
  const why = `${code === null ? "" : `${code}: `}${reason}`;
  const then = retryAt === null ? [] : [`tried again at ${retryAt}`];
  const lines = [...why.split("\n"), ...then, ...(next === null ? [] : `next: ${next}`.split("\n"))];
  return [head, ...lines.map((line) => `  ${printable(line)}`)].join("\n");
}

/** Letters that stopped a group and were rolled back: they are in no table. */
export function rolledBackText({ topic, letters, since }: HeardState): string {
  const lines = kindsText(letters!).split("\n");
  return [
    `${topic} stopped at ${since}, and these letters were rolled back:`,
    ...lines.map((l) => `  ${printable(l)}`),
  ].join("\n");
}
