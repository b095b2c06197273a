/**
 * Breaks everything that can be broken while events flow, and then asks where each of them is.
 * `npm run chaos -- [--minutes N] [--seed S] [--json]`, on a stack of its own. Exit code 1 when anything is lost,
 * doubled, wrong or ended by itself; its folder stays then, with logs, journals and data.
 */
import { randomInt } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { reportText } from "./report.ts";
import { isGood, run } from "./run.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    seed: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const seed = Number(values.seed ?? randomInt(1, 1_000_000));
const minutes = Number(values.minutes);
if (!(minutes > 0) || !Number.isSafeInteger(seed)) throw new Error("--minutes and --seed take numbers");

const say = (line: string) => process.stderr.write(`${line}\n`);
const folder = mkdtempSync(join(tmpdir(), `tradetape-chaos-${seed}-`));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

say(`seed ${seed}, in ${folder}`);
try {
  const result = await run({ minutes, seed, folder, say });
  process.stdout.write(values.json ? `${JSON.stringify(result)}\n` : reportText(result));
  if (isGood(result)) rmSync(folder, { recursive: true, force: true });
  else say(`seed ${seed}: its folder stays: ${folder}`);
  process.exit(isGood(result) ? 0 : 1);
} catch (error) {
  say(`seed ${seed}: the run itself failed; its folder stays: ${folder}`);
  throw error;
}
