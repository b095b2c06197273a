import { execFile, spawnSync } from "node:child_process";
import { homedir, userInfo } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { TradetapeError } from "../errors.ts";
import type { RunAs } from "./launch.ts";

const run = promisify(execFile);
const JAVA_OLDEST = 17;

const isRoot = () => process.getuid?.() === 0;

/** What all stacks of this machine share: fetched programs. Root's is where PostgreSQL's own user can enter. */
export function cacheFolder(): string {
  return isRoot() ? "/var/cache/tradetape" : join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "tradetape");
}

/**
 * The java command to use: JAVA_HOME's, else the path's.
 * @throws TradetapeError stack_unavailable when there is none, or it is older than 17.
 */
export async function findJava(): Promise<string> {
  const java = process.env.JAVA_HOME ? join(process.env.JAVA_HOME, "bin", "java") : "java";
  const next = "Install Java 17 or later (or start a Docker engine), then try again.";
  let output: string;
  try {
    output = (await run(java, ["-version"])).stderr;
  } catch (cause) {
    throw new TradetapeError("stack_unavailable", `Kafka needs Java, and \`${java} -version\` doesn't run`, {
      next,
      cause,
    });
  }
  const major = Number(/version "(\d+)/.exec(output)?.[1] ?? 0);
  if (major < JAVA_OLDEST) {
    throw new TradetapeError("stack_unavailable", `Kafka needs Java ${JAVA_OLDEST}, and ${java} is ${major}`, { next });
  }
  return java;
}

/**
 * PostgreSQL refuses to run as root, so root runs it as `postgres`, or as `nobody` where there is no such user.
 * @throws TradetapeError stack_unavailable when root finds neither.
 */
export function postgresUser(): RunAs | undefined {
  if (!isRoot()) return undefined;
  for (const name of ["postgres", "nobody"]) {
    const [uid, gid] = [numericId("-u", name), numericId("-g", name)];
    if (uid !== undefined && gid !== undefined) return { uid, gid };
  }
  throw new TradetapeError("stack_unavailable", "PostgreSQL refuses to run as root, and no other user was found", {
    next: "Create a user named postgres, or run as a user that isn't root.",
  });
}

function numericId(flag: "-u" | "-g", name: string): number | undefined {
  const id = spawnSync("id", [flag, name], { encoding: "utf8" });
  return id.status === 0 ? Number(id.stdout) : undefined;
}

/**
 * Asks the system, not the mode bits, whether that user can get into a folder: any parent may be closed.
 * @throws TradetapeError stack_unavailable naming the folder and the user.
 */
export function requireEntrance(folder: string, user: RunAs | undefined, variable: string): void {
  const tried = spawnSync("/bin/sh", ["-c", 'cd -- "$1"', "sh", folder], { cwd: "/", ...(user ?? {}) });
  if (tried.status === 0) return;
  const who = user ? `user ${user.uid}, which runs PostgreSQL for root,` : `user ${userInfo().username}`;
  throw new TradetapeError("stack_unavailable", `${who} can't enter ${folder}`, {
    next: `Set ${variable} to a folder whose parents that user may enter.`,
  });
}
