/**
 * Breaks everything that can be broken while events flow, and then asks where each of them is.
 * `npm run chaos -- [--minutes N] [--seed S] [--json]`, on a stack of its own. Exit code 1 when anything is lost,
 * doubled, wrong or ended by itself; its folder stays then, with logs, journals and data.
 * `npm run chaos -- outage [--seconds N] [--json]`: PostgreSQL, the broker and the registry away under load, in turn.
 */
import { randomInt } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { isOutageGood, outage, outageText } from "./outage.ts";
import { reportText } from "./report.ts";
import { isGood, run } from "./run.ts";

const { values, positionals } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    seconds: { type: "string", default: "60" },
    seed: { type: "string" },
    json: { type: "boolean", default: false },
  },
  allowPositionals: true,
});
const seed = Number(values.seed ?? randomInt(1, 1_000_000));
const minutes = Number(values.minutes);
const seconds = Number(values.seconds);
if (!(minutes > 0) || !(seconds > 0) || !Number.isSafeInteger(seed)) {
  throw new Error("--minutes, --seconds and --seed take numbers");
}

const say = (line: string) => process.stderr.write(`${line}\n`);
const folder = mkdtempSync(join(tmpdir(), `tradetape-chaos-${seed}-`));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

/** Either kind of run, as its result, its text and whether all is well. */
async function judged(): Promise<{ result: object; text: string; isAllGood: boolean }> {
  if (positionals[0] === "outage") {
    const result = await outage({ seconds, seed, folder, say });
    return { result, text: outageText(result), isAllGood: isOutageGood(result) };
  }
  const result = await run({ minutes, seed, folder, say });
  return { result, text: reportText(result), isAllGood: isGood(result) };
}

say(`seed ${seed}, in ${folder}`);
try {
  const { result, text, isAllGood } = await judged();
  process.stdout.write(values.json ? `${JSON.stringify(result)}\n` : text);
  if (isAllGood) rmSync(folder, { recursive: true, force: true });
  else say(`seed ${seed}: its folder stays: ${folder}`);
  process.exit(isAllGood ? 0 : 1);
} catch (error) {
  say(`seed ${seed}: the run itself failed; its folder stays: ${folder}`);
  throw error;
}
