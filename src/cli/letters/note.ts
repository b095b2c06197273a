import type { Command } from "commander";
import { wrong } from "../flags.ts";

/** Why somebody acts, as commander gives it. */
export interface NoteFlags {
  readonly reasonText?: string;
}

const NOTE_CHARACTERS_MAX = 1000;

export function declareNote(command: Command): void {
  command.requiredOption("--reason-text <text>", "why, for those who read the audit trail");
}

/** @throws TradetapeError input_invalid */
export function noteOf({ reasonText = "" }: NoteFlags): string {
  const note = reasonText.trim();
  if (note === "" || note.length > NOTE_CHARACTERS_MAX || /\p{Cc}/u.test(note) || !note.isWellFormed()) {
    throw wrong("--reason-text", `one line of 1 to ${NOTE_CHARACTERS_MAX} characters`);
  }
  return note;
}
