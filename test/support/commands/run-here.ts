import { AsyncLocalStorage } from "node:async_hooks";
import { runCommandLine } from "../../../src/cli/program.ts";

export interface Ended {
  /** The exit code; for a process that a signal ended, 128. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a command that runs in this process has for its environment and its two streams. */
interface Here {
  readonly env: NodeJS.ProcessEnv;
  readonly said: { stdout: string; stderr: string };
}

/** Knows what each command does from what the tests beside it do, as they may run at one time. */
const here = new AsyncLocalStorage<Here>();

const { env } = process;
Object.defineProperty(process, "env", { configurable: true, get: () => here.getStore()?.env ?? env });
for (const name of ["stdout", "stderr"] as const) {
  const stream = process[name];
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  stream.write = ((...args: unknown[]) => {
    const said = here.getStore()?.said;
    if (said === undefined) return write(...args);
    said[name] += String(args[0]);
    const done = args.findLast((arg) => typeof arg === "function") as (() => void) | undefined;
    if (done !== undefined) queueMicrotask(done);
    return true;
  }) as typeof stream.write;
}

/** Runs a command line in this process, with an environment and streams of its own. @param env the whole of it */
export async function runHere(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  const said = { stdout: "", stderr: "" };
  const code = await here.run({ env, said }, () => runCommandLine(args));
  return { code, ...said };
}
