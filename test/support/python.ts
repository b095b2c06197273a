import { type ExecFileException, execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { cacheFolder } from "../../src/stack/machine.ts";

const run = promisify(execFile);

/** Packages are downloaded once per machine and list of requirements. Below a test's own limit, so that pip's words are seen. */
const INSTALL_MS_MAX = 9 * 60_000;

/**
 * A Python interpreter that has these packages: a virtual environment, made when first asked for and kept beside the
 * stack's programs.
 * @param requirements path of a requirements.txt, every version pinned
 * @throws Error that says what this machine lacks: a test that needs Python must not pass without it
 */
export async function pythonWith(requirements: string): Promise<string> {
  const version = await run("python3", ["-VV"]).catch((cause: ExecFileException) => {
    throw new Error("this test needs Python: install `python3` (3.10 or later) with its `venv` module", { cause });
  });
  const hash = createHash("sha256").update(readFileSync(requirements)).update(version.stdout).digest("hex");
  const folder = join(cacheFolder(), `python-${hash.slice(0, 12)}`);
  const python = join(folder, "bin", "python");
  if (existsSync(python)) return python;
  mkdirSync(cacheFolder(), { recursive: true });
  const beside = mkdtempSync(`${folder}.`);
  try {
    await run("python3", ["-m", "venv", beside]);
    // Python compiles what is imported, a small part of all that pip would compile: 8 s instead of 18.
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile", "-r", requirements];
    await run(join(beside, "bin", "python"), pip, { timeout: INSTALL_MS_MAX });
    // What bears the name is whole; of two that make it at once, the first one's stays.
    if (!existsSync(python)) renameSync(beside, folder);
  } catch (cause) {
    if (existsSync(python)) return python;
    const { stderr = "" } = cause as ExecFileException;
    throw new Error(
      `this test needs the packages of ${requirements}, and its virtual environment can't be made. It takes python3's ` +
        `venv module (python3-venv on Debian) and pip's package index. ${stderr.trim() || (cause as Error).message}`,
      { cause },
    );
  } finally {
    rmSync(beside, { recursive: true, force: true });
  }
  return python;
}
