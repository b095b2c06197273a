import type { Command } from "commander";
import { oneLine } from "../flags.ts";

/** Why somebody acts, as commander gives it. */
export interface NoteFlags {
  readonly reasonText?: string;
}

export function declareNote(command: Command): void {
  command.requiredOption("--reason-text <text>", "why, for those who read the audit trail");
}

/** @throws TradetapeError input_invalid */
export const noteOf = ({ reasonText = "" }: NoteFlags): string => oneLine("--reason-text", reasonText);
