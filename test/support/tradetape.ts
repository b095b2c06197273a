import { type ChildProcess, spawn } from "node:child_process";
import { SETTINGS } from "../../src/settings.ts";
import { type Ended, runHere } from "./commands/run-here.ts";

export interface Running {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves when standard error holds this; rejects when the process ends without. */
  says(text: string): Promise<void>;
}

const OWN_VARIABLES = new Set<string>(Object.values(SETTINGS).map(({ env }) => env));

const cleanEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !OWN_VARIABLES.has(name)));

/**
 * Starts the program as a person does, with settings of its own: none comes from the environment of the test run.
 * @param stdin null leaves standard input open, for the test to write to
 */
export function startTradetape(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  stdin: string | null = "",
): Running {
  const child = spawn(process.execPath, ["src/cli/main.ts", ...args], { env: { ...cleanEnvironment(), ...env } });
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

/** Commands that start processes of their own, whose parent has to be one that ends with the command. */
const STARTS_PROCESSES = new Set(["up", "down", "demo"]);

/**
 * Runs a command to its end, and tells all that it said. Where no process of its own is the point, it runs in this one: to start
 * Node and load the program costs more than what most commands do.
 * @param stdin what it reads; with any it is a process of its own
 */
export function tradetape(args: readonly string[], env: NodeJS.ProcessEnv = {}, stdin = ""): Promise<Ended> {
  const isOwn = Object.keys(env).every((name) => OWN_VARIABLES.has(name));
  const isHere = isOwn && stdin === "" && !args.includes("-") && !args.some((arg) => STARTS_PROCESSES.has(arg));
  return isHere ? runHere(args, { ...cleanEnvironment(), ...env }) : startTradetape(args, env, stdin).ended;
}
