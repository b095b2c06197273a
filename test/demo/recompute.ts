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

/** All rows of strategy_performance, computed again in Python from the tables that they rest on. */
export async function recompute(databaseUrl: string): Promise<Recomputed> {
  const python = await pythonWith(join(FOLDER, "requirements.txt"));
  const env = { ...process.env, DATABASE_URL: databaseUrl, PYTHONDONTWRITEBYTECODE: "1" };
  const { stdout } = await promisify(execFile)(python, [join(FOLDER, "recompute.py")], { env });
  return JSON.parse(stdout) as Recomputed;
}
