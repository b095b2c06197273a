import { type ChildProcess, spawn } from "node:child_process";

/** Reads until its standard input ends, which is when the process at the other end of the pipe has ended. */
const SEND_AT_THE_END = 'read -r _; kill -s "$1" "$2"';

/**
 * Has a program get its stop signal when this process has ended, by whatever way: one that is killed runs no handler of its
 * own, but the kernel closes its pipes. A shell waits for that, in a process group of its own, so that Ctrl-C doesn't end it.
 */
export function endWithThisProcess(program: ChildProcess, signal: NodeJS.Signals): void {
  const args = ["-c", SEND_AT_THE_END, "sh", signal.replace("SIG", ""), String(program.pid)];
  const shell = spawn("/bin/sh", args, { cwd: "/", detached: true, stdio: ["pipe", "ignore", "ignore"] });
  shell.unref();
  // The pid of a program that has ended may soon be a stranger's.
  program.once("exit", () => shell.kill("SIGKILL"));
}
