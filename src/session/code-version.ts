import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * What `git describe` calls the code in a folder; `-dirty` behind it where something isn't committed.
 * @returns null where git has no name for it: it isn't installed, the folder is in no checkout, or nothing is committed
 */
export async function codeVersion(folder: string): Promise<string | null> {
  try {
    return (await run("git", ["describe", "--always", "--tags", "--dirty"], { cwd: folder })).stdout.trim();
  } catch {
    return null;
  }
}
