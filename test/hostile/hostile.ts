/**
 * What a hostile writer of one topic costs the others: `npm run hostile -- [--minutes N] [--seed S] [--json]`, on a stack of its
 * own. A feed of 400 ticks and 100 decisions a second runs all the time; by turns somebody writes 50 hostile messages a second
 * to `fills`, of every kind in test/hostile/kinds.ts. Exit code 1 where the others' p99 more than doubles, the consumer takes
 * more than 512 MiB or ends, or `verify` isn't good; its folder stays then.
 */
import { randomInt } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { table } from "../../src/cli/output.ts";
import { type HostileResult, isHeld, runHostile } from "./run.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    seed: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed ?? randomInt(1, 1_000_000));
if (!(minutes > 0) || !Number.isSafeInteger(seed)) throw new Error("--minutes and --seed take numbers");

const say = (line: string) => process.stderr.write(`${line}\n`);
const folder = mkdtempSync(join(tmpdir(), `tradetape-hostile-${seed}-`));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

function textOf(result: HostileResult): string {
  const { quiet, hostile, written, letters, fills, ownEnds, verify } = result;
  const latency = quiet.flatMap((one, n) => {
    const other = hostile[n]!;
    const row = ({ events, p50Ms, p99Ms, maxMs }: typeof one) => [events, p50Ms, p99Ms, maxMs];
    return [
      [one.topic, "quiet", ...row(one)],
      [one.topic, "hostile", ...row(other)],
    ];
  });
  const figures = [
    ["peak of the consumer, MiB", result.peakMib],
    ["processes that ended by themselves", ownEnds.length],
    ["good fills written", fills.good],
    ["fills landed", fills.rows],
    ["fills parked", fills.parked],
    ["fills not landed yet", fills.behind],
  ] as const;
  const parts = [
    `seed ${seed}, ${minutes} minutes hostile, ${minutes} quiet`,
    table(["topic", "while", "events", "p50 ms", "p99 ms", "max ms"], latency),
    table(["figure", "number"], figures),
    table(["written", "messages"], Object.entries(written)),
    table(["letters", "number"], Object.entries(letters)),
    ...ownEnds.map(({ member, code, lastLines }) => `${member} ended by itself, code ${code}:\n${lastLines}`),
    ...(verify.length > 0 ? [`verify:\n${verify.slice(0, 20).join("\n")}`] : ["verify: good"]),
    isHeld(result) ? "held" : "NOT held",
  ];
  return `${parts.join("\n\n")}\n`;
}

say(`seed ${seed}, in ${folder}`);
const result = await runHostile({ minutes, seed, folder, say });
process.stdout.write(values.json ? `${JSON.stringify(result)}\n` : textOf(result));
if (isHeld(result)) rmSync(folder, { recursive: true, force: true });
else say(`seed ${seed}: its folder stays: ${folder}`);
process.exit(isHeld(result) ? 0 : 1);
