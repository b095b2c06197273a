import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { pythonWith } from "../support/python.ts";

/** What `recompute.py` found: how many rows there are, and each figure that isn't what it computes. */
interface Recomputed {
  readonly rows: number;
  readonly differences: readonly string[];
}

const FOLDER = import.meta.dirname;

/** The same of `outcomes.py`: how many predictions could be judged, and each figure that isn't what it computes. */
interface JudgedAgain {
  readonly outcomes: number;
  readonly differences: readonly string[];
}

/** All rows of strategy_performance, computed again in Python from the tables that they rest on. */
export async function recompute(databaseUrl: string): Promise<Recomputed> {
  return JSON.parse(await run("recompute.py", databaseUrl)) as Recomputed;
}

/**
 * All rows of prediction_outcome, and what `tradetape score` said of them, computed again in Python from predictions and bars.
 * @param score what it said, with --json
 */
export async function judgeAgain(databaseUrl: string, score: string): Promise<JudgedAgain> {
  return JSON.parse(await run("outcomes.py", databaseUrl, score)) as JudgedAgain;
}

async function run(program: string, databaseUrl: string, input = ""): Promise<string> {
  const python = await pythonWith(join(FOLDER, "requirements.txt"));
  const env = { ...process.env, DATABASE_URL: databaseUrl, PYTHONDONTWRITEBYTECODE: "1" };
  const running = promisify(execFile)(python, [join(FOLDER, program)], { env });
  running.child.stdin!.end(input);
  return (await running).stdout;
}
