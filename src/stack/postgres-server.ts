import { randomBytes } from "node:crypto";
import { chownSync, existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { TradetapeError } from "../errors.ts";
import { writeOwnFile } from "../own-file.ts";
import { freshFolder } from "./home.ts";
import { isRunning, type RunAs, type RunningProgram, runToEnd, type StackProgram } from "./launch.ts";

/**
 * Settings of both launchers. max_wal_size: a checkpoint in the middle of a bulk load costs it a tenth; the
 * connections are for a consumer process per group, tests beside it, and a person with psql.
 */
export const POSTGRES_SETTINGS: Readonly<Record<string, string>> = {
  shared_buffers: "256MB",
  max_wal_size: "4GB",
  max_connections: "200",
};

/**
 * No locale of the operating system: the order of text and the language of messages are then the same everywhere, and
 * landing reads the line number out of COPY's English CONTEXT.
 */
export const INITDB_ARGS: readonly string[] = [
  "--encoding=UTF8",
  "--locale=C",
  "--locale-provider=builtin",
  "--builtin-locale=C.UTF-8",
];

/** The user, which may do everything in this cluster of its own, and the database have the same name. */
export const POSTGRES_USER = "tradetape";

/** The password of a home, made once; only the user who made it can read it. */
export function postgresPassword(home: string): string {
  const file = join(home, "postgres-password");
  if (!existsSync(file)) writeOwnFile(file, randomBytes(24).toString("base64url"), "create");
  return readFileSync(file, "utf8").trim();
}

/**
 * Makes `<home>/postgres`, a cluster with the database, unless it is there. It gets that name last, so a start that was
 * killed half-way leaves nothing that looks whole.
 * @throws TradetapeError stack_failed with what initdb said.
 */
export async function preparePostgres(
  home: string,
  binaries: string,
  runAs: RunAs | undefined,
  initdbArgs = INITDB_ARGS,
): Promise<void> {
  const data = join(home, "postgres");
  if (existsSync(data)) return;
  const fresh = freshFolder(home);
  // initdb, which may run as another user, must read the password: not from an argument, which everybody sees.
  const passwordFile = `${fresh}.password`;
  writeOwnFile(passwordFile, postgresPassword(home), "create");
  if (runAs) for (const path of [fresh, passwordFile]) chownSync(path, runAs.uid, runAs.gid);
  const initdb = ["-D", fresh, `--username=${POSTGRES_USER}`, `--pwfile=${passwordFile}`, "--auth=scram-sha-256"];
  await execute(join(binaries, "bin", "initdb"), [...initdb, ...initdbArgs], "", runAs);
  rmSync(passwordFile);
  const single = ["--single", "-D", fresh, "postgres"];
  await execute(join(binaries, "bin", "postgres"), single, `CREATE DATABASE ${POSTGRES_USER};\n`, runAs);
  renameSync(fresh, data);
}

/**
 * Removes the pid file of a server that is known to have ended without removing it. PostgreSQL looks at the pid alone
 * and would refuse to start for ever, if after a reboot some other program has got that pid. Backends that outlive
 * their server are still seen: they hold its shared memory, which the new one finds by the data folder.
 */
export function removeStalePidFile(home: string, before: RunningProgram | undefined): void {
  const pidFile = join(home, "postgres", "postmaster.pid");
  if (before === undefined || isRunning(before) || !existsSync(pidFile)) return;
  if (Number(readFileSync(pidFile, "utf8").split("\n")[0]) === before.pid) rmSync(pidFile);
}

async function execute(command: string, args: readonly string[], input: string, runAs: RunAs | undefined) {
  const { code, output } = await runToEnd(command, args, { cwd: "/", input, runAs });
  // In single-user mode a refused statement is only printed, and the exit code stays 0.
  if (code === 0 && !/\b(ERROR|FATAL|PANIC):/.test(output)) return;
  const said = output.trim().split("\n").slice(-5).join("\n");
  throw new TradetapeError("stack_failed", `PostgreSQL's data folder can't be made: ${said}`);
}

export function postgresServer(home: string, binaries: string, port: number, runAs: RunAs | undefined): StackProgram {
  const data = join(home, "postgres");
  const settings = {
    listen_addresses: "127.0.0.1",
    port: String(port),
    // No socket file: two stacks of different users would meet in /tmp.
    unix_socket_directories: "",
    ...POSTGRES_SETTINGS,
  };
  return {
    name: "postgres",
    command: join(binaries, "bin", "postgres"),
    args: ["-D", data, ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])],
    cwd: "/",
    logFile: join(home, "logs", "postgres.log"),
    runAs,
    // SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for every client to leave.
    stopSignal: "SIGINT",
    isReady: async () => postgresAnswers(home, port),
  };
}

/**
 * Whether the server of this home takes connections on that port. The postmaster writes its port in the fourth line of
 * its pid file and its state in the eighth; pg_ctl waits for that, too.
 */
export function postgresAnswers(home: string, port: number): boolean {
  const pidFile = join(home, "postgres", "postmaster.pid");
  if (!existsSync(pidFile)) return false;
  const lines = readFileSync(pidFile, "utf8").split("\n");
  return lines[3] === String(port) && lines[7]?.trim() === "ready";
}
