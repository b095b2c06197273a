import { type ChildProcess, spawn } from "node:child_process";
import { SETTINGS } from "../../src/settings.ts";

export interface Ended {
  /** The exit code; for a process that a signal ended, 128. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves when standard error holds this; rejects when the process ends without. */
  says(text: string): Promise<void>;
}

const OWN_VARIABLES = new Set<string>(Object.values(SETTINGS).map(({ env }) => env));

/**
 * Starts the program as a person does, with settings of its own: none comes from the environment of the test run.
 * @param stdin null leaves standard input open, for the test to write to
 */
export function startTradetape(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  stdin: string | null = "",
): Running {
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !OWN_VARIABLES.has(name)));
  const child = spawn(process.execPath, ["src/cli/main.ts", ...args], { env: { ...clean, ...env } });
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output.stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    output.stderr += text;
  });
  if (stdin !== null) child.stdin.end(stdin);
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code: code ?? 128, ...output }));
  });
  const says = (text: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (output.stderr.includes(text)) resolve();
      };
      child.stderr.on("data", look);
      void ended.then(() => reject(new Error(`it ended without saying "${text}":\n${output.stderr}`)));
      look();
    });
  return { process: child, ended, says };
}

/**
 * The log's lines of errors. A warning is no fault of a program: it tells what was waited out, which depends on how busy
 * the machine is.
 */
export const errorsOf = ({ stderr }: Ended): readonly string[] =>
  stderr.split("\n").filter((line) => line.startsWith("{") && (JSON.parse(line) as { level: number }).level >= 50);

export const tradetape = (args: readonly string[], env: NodeJS.ProcessEnv = {}, stdin = ""): Promise<Ended> =>
  startTradetape(args, env, stdin).ended;
