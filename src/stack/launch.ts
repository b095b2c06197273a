import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { closeSync, existsSync, readFileSync, renameSync } from "node:fs";
import { SYSTEM_CLOCK } from "../clock.ts";
import { TradetapeError } from "../errors.ts";
import { openOwnFile } from "../own-file.ts";
import { stackEnvironment } from "./environment.ts";
import { endWithThisProcess } from "./lifeline.ts";

/** A user that a program runs as; undefined where it is the caller's own. */
export interface RunAs {
  readonly uid: number;
  readonly gid: number;
}

/** How one program of the stack is started, and how to see that it answers. */
export interface StackProgram {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly logFile: string;
  readonly runAs: RunAs | undefined;
  readonly stopSignal: NodeJS.Signals;
  readonly isReady: () => Promise<boolean>;
}

/** A started program, as stack.json remembers it. */
export interface RunningProgram {
  readonly name: string;
  readonly pid: number;
  /** The kernel's start time of that pid: a pid alone may belong to a stranger after a crash or a reboot. */
  readonly startMark: string;
  readonly startedAt: string;
  readonly logFile: string;
  readonly stopSignal: NodeJS.Signals;
}

// A JVM beside a full test run on two cores has taken 25 s; giving up on a slower machine is worse than a late answer.
const READY_WITHIN_MS = 300_000;
// Kafka and PostgreSQL flush within this on a slow disk. Longer, and `down` looks hung.
const STOP_WITHIN_MS = 30_000;
const POLL_MS = 50;
const LOG_TAIL_LINES = 12;

/** The start mark of a live process, or undefined when there is none (a zombie is none: it serves nobody). */
export function startMarkOf(pid: number): string | undefined {
  if (process.platform !== "linux") {
    const ps = spawnSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" });
    return ps.status === 0 ? ps.stdout.trim() || undefined : undefined;
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The program's name stands in parentheses and may hold spaces; the fields behind it are counted from its end.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return fields[0] === "Z" ? undefined : `${boot} ${fields[19]}`;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ESRCH") return undefined;
    throw error;
  }
}

export const isRunning = (program: RunningProgram): boolean => startMarkOf(program.pid) === program.startMark;

/** The last lines of a log, for a message about why its writer ended. */
function logTail(logFile: string): string {
  const text = existsSync(logFile) ? readFileSync(logFile, "utf8").trimEnd() : "";
  return text === "" ? "(its log is empty)" : text.split("\n").slice(-LOG_TAIL_LINES).join("\n");
}

/**
 * Starts a program in a process group of its own (the terminal's Ctrl-C must not end Kafka before the pipeline) with
 * its output in `logFile`; the log of the run before is kept beside it.
 * @throws TradetapeError stack_failed when it can't even be executed.
 */
export async function launch(program: StackProgram, detached: boolean): Promise<RunningProgram> {
  if (existsSync(program.logFile)) renameSync(program.logFile, `${program.logFile}.previous`);
  const log = openOwnFile(program.logFile, "append");
  let child: ChildProcess;
  try {
    child = spawn(program.command, program.args, {
      cwd: program.cwd,
      detached: true,
      env: stackEnvironment(),
      stdio: ["ignore", log, log],
      ...(program.runAs ?? {}),
    });
  } finally {
    closeSync(log);
  }
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (cause) => {
      reject(new TradetapeError("stack_failed", `${program.name} can't be executed: ${cause.message}`, { cause }));
    });
  });
  const pid = child.pid as number;
  child.unref();
  if (!detached) endWithThisProcess(child, program.stopSignal);
  return {
    name: program.name,
    pid,
    startMark: startMarkOf(pid) ?? "ended",
    startedAt: new Date().toISOString(),
    logFile: program.logFile,
    stopSignal: program.stopSignal,
  };
}

/**
 * Runs a command to its end, with everything it printed. Its output is small: it is kept whole.
 * @throws TradetapeError stack_failed when it can't be executed.
 */
export function runToEnd(
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly input: string; readonly runAs: RunAs | undefined },
): Promise<{ readonly code: number | null; readonly output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: stackEnvironment(),
      stdio: "pipe",
      ...(options.runAs ?? {}),
    });
    let output = "";
    child.stdout.on("data", (chunk) => {
      output += chunk;
    });
    child.stderr.on("data", (chunk) => {
      output += chunk;
    });
    child.once("error", (cause) => {
      reject(new TradetapeError("stack_failed", `${command} can't be executed: ${cause.message}`, { cause }));
    });
    child.once("close", (code) => resolve({ code, output }));
    child.stdin.end(options.input);
  });
}

type Startable = Pick<StackProgram, "name" | "logFile" | "isReady">;

/**
 * Waits until a program answers or has ended, whichever comes first.
 * @returns whether it answers.
 * @throws TradetapeError stack_failed with the log's last lines when it does neither for 300 s.
 */
export async function becomesReady(
  program: Startable,
  running: RunningProgram,
  aborted: AbortSignal,
): Promise<boolean> {
  const deadline = SYSTEM_CLOCK.now() + READY_WITHIN_MS;
  while (!(await program.isReady())) {
    if (!isRunning(running)) return false;
    if (SYSTEM_CLOCK.now() > deadline) throw failure(program, `doesn't answer after ${READY_WITHIN_MS / 1000} s`);
    aborted.throwIfAborted();
    await SYSTEM_CLOCK.sleep(POLL_MS);
  }
  return true;
}

/**
 * Resolves once the program answers.
 * @throws TradetapeError stack_failed with the log's last lines when it ends or stays silent for 300 s.
 */
export async function awaitReady(program: Startable, running: RunningProgram, aborted: AbortSignal): Promise<void> {
  if (!(await becomesReady(program, running, aborted))) throw failure(program, "ended while it was starting");
}

function failure({ name, logFile }: Startable, what: string): TradetapeError {
  const next = `The whole log is ${logFile}.`;
  return new TradetapeError("stack_failed", `${name} ${what}. Its last lines:\n${logTail(logFile)}`, { next });
}

/** Sends the program's stop signal and waits; then SIGKILL, said aloud because it may cost a recovery. */
export async function stopProgram(
  program: RunningProgram,
  onProgress: (line: string) => void,
  withinMs = STOP_WITHIN_MS,
): Promise<void> {
  if (!isRunning(program)) return;
  process.kill(program.pid, program.stopSignal);
  if (await endedWithin(program, withinMs)) return onProgress(`${program.name}: stopped`);
  process.kill(program.pid, "SIGKILL");
  onProgress(`${program.name}: killed, it didn't stop within ${withinMs / 1000} s; it recovers when it starts`);
  if (!(await endedWithin(program, STOP_WITHIN_MS))) {
    throw new TradetapeError("stack_failed", `${program.name} (pid ${program.pid}) outlives SIGKILL`);
  }
}

async function endedWithin(program: RunningProgram, limitMs: number): Promise<boolean> {
  const deadline = SYSTEM_CLOCK.now() + limitMs;
  while (SYSTEM_CLOCK.now() < deadline) {
    if (!isRunning(program)) return true;
    await SYSTEM_CLOCK.sleep(POLL_MS);
  }
  return !isRunning(program);
}
