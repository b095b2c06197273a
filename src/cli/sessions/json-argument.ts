import { readFileSync } from "node:fs";
import { TradetapeError } from "../../errors.ts";

/** A flag's JSON text, or that of a file, as @FILE. @throws TradetapeError input_invalid where the file can't be read */
export function jsonArgument(flag: string, text: string): string {
  if (!text.startsWith("@")) return text;
  try {
    return readFileSync(text.slice(1), "utf8");
  } catch (cause) {
    throw new TradetapeError("input_invalid", `${flag} ${text}: ${(cause as Error).message}`, {
      cause,
      next: "Name a file that can be read.",
    });
  }
}
