import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { TradetapeError } from "../errors.ts";

const run = promisify(execFile);

/**
 * What `git describe` calls the code in this folder; `-dirty` behind it where something isn't committed.
 * @throws TradetapeError input_invalid where there is none: a run of code that nobody can name can't be repeated
 */
export async function codeVersion(): Promise<string> {
  try {
    return (await run("git", ["describe", "--always", "--tags", "--dirty"])).stdout.trim();
  } catch (cause) {
    throw new TradetapeError("input_invalid", "git knows no version of the code in this folder", {
      cause,
      next: "Say it with --code-version.",
    });
  }
}
