import { randomBytes } from "node:crypto";
import type { Wait } from "../patience.ts";

/** What a process shows of its last beat, to whoever shares its consumer groups: its database has that beat. */
export interface BeatNote {
  readonly process: string;
  readonly number: number;
  /** The database's time of the beat, and since when it is landed in without a pause: milliseconds since 1970. */
  readonly atMs: number;
  readonly sinceMs: number;
  readonly timeline: string;
}

/** Where a process keeps its own last beat, for its groups to show, and what it has found by those of others. */
export class OwnBeats {
  readonly process = randomBytes(4).toString("hex");
  number = 0;
  /** What is shown; empty before the first beat. */
  note = "";
  /** Set while another database lands partitions of this one's groups, and is the one to stand back. */
  twin: Wait | undefined;
}

export const beatNoteText = ({ process, number, atMs, sinceMs, timeline }: BeatNote): string =>
  `beat ${number} of ${process} at ${atMs} since ${sinceMs} on ${timeline}`;

const NOTE = /^beat (\d{1,15}) of ([0-9a-f]{8}) at (\d{1,15}) since (\d{1,15}) on ([0-9A-F]{8})$/;

/** The note that this text is; undefined for what others put beside their offsets. */
export function beatNoteOf(text: string): BeatNote | undefined {
  const [, number, process, atMs, sinceMs, timeline] = NOTE.exec(text) ?? [];
  if (process === undefined || timeline === undefined) return undefined;
  return {
    process,
    number: Number(number),
    atMs: Number(atMs),
    sinceMs: Number(sinceMs),
    timeline,
  };
}
