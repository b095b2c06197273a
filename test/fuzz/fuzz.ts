/**
 * Opens every door of the product with mutants of good input: `npm run fuzz -- [--inputs N] [--seed S] [--doors a,b] [--json]`.
 * Exit code 1 when the product threw what is no value, hung, grew, or read a good input otherwise than an independent reader;
 * each find is then a file of test/fuzz/finds/.
 */
import { randomInt } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { DOORS } from "./doors/all.ts";
import type { Figures } from "./hunt.ts";
import type { Told, WorkerInput } from "./hunter.ts";

const { values } = parseArgs({
  options: {
    inputs: { type: "string", default: "1000000" },
    seed: { type: "string" },
    doors: { type: "string", default: Object.keys(DOORS).join() },
    json: { type: "boolean", default: false },
  },
});
const inputs = Number(values.inputs);
const seed = Number(values.seed ?? randomInt(1, 1_000_000));
const doors = values.doors.split(",");
if (!(inputs >= 1) || !Number.isSafeInteger(seed) || doors.some((name) => !Object.hasOwn(DOORS, name)))
  throw new Error(`--inputs and --seed take numbers, --doors some of ${Object.keys(DOORS).join()}`);

/** A machine that is busy with something else stops any process for seconds. */
const HANG_MS = 120_000;
const LOOK_MS = 5000;
/** What the current input may be: longer ones aren't made. */
const INPUT_BYTES_MAX = 128 * 1024;
const HEAP_MIB_MAX = 1024;

const say = (line: string) => process.stderr.write(`${line}\n`);
const finds = new URL("finds/", import.meta.url);
let found = 0;

function writeFind(door: string, input: Uint8Array, what: string): void {
  mkdirSync(finds, { recursive: true });
  const name = `${door}-${seed}-${++found}`;
  writeFileSync(new URL(name, finds), input);
  say(`find ${name}: ${what}`);
}

/** Hunts at one door in a thread of its own, which is given up where an input keeps it for HANG_MS. */
function huntAt(door: string, count: number): Promise<(Figures & { readonly reached: string }) | undefined> {
  const shared = new SharedArrayBuffer(8 + INPUT_BYTES_MAX);
  const workerData: WorkerInput = { door, seed, inputs: count, shared };
  const worker = new Worker(new URL("hunter.ts", import.meta.url), {
    workerData,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB_MAX },
  });
  const [state, current] = [new Int32Array(shared, 0, 2), new Uint8Array(shared, 8)];
  let last = -1;
  let lastMs = Date.now();
  return new Promise((resolve) => {
    const end = (figures?: Figures & { readonly reached: string }, what?: string) => {
      clearInterval(look);
      if (what !== undefined) writeFind(door, current.slice(0, state[1]), what);
      resolve(figures);
      void worker.terminate();
    };
    const look = setInterval(() => {
      // It begins when the thread has loaded all it needs.
      if (state[0] === 0 || state[0] !== last) lastMs = Date.now();
      last = state[0]!;
      if (Date.now() - lastMs > HANG_MS) end(undefined, `no end within ${HANG_MS / 1000} s`);
    }, LOOK_MS);
    worker.on("error", (error) => end(undefined, `the thread ended: ${(error as Error).message}`));
    worker.on("message", ({ figures, reached, isEnd }: Told) => {
      lastMs = Date.now();
      say(`${door}: ${figures.inputs} inputs, ${figures.kinds.size} kinds, ${figures.kept} kept, blocks ${reached}`);
      if (isEnd) end({ ...figures, reached });
    });
  });
}

const started = Date.now();
const shares = doors.reduce((sum, name) => sum + DOORS[name]!.share, 0);
const all: (Figures & { readonly reached: string })[] = [];
for (const door of doors) {
  const figures = await huntAt(door, Math.ceil((inputs * DOORS[door]!.share) / shares));
  if (figures === undefined) continue;
  all.push(figures);
  for (const { input, what } of figures.finds) writeFind(door, input, what);
}
const seconds = Math.round((Date.now() - started) / 1000);
if (values.json) process.stdout.write(`${JSON.stringify({ seed, seconds, found, all: all.map(plain) })}\n`);
else {
  for (const one of all) process.stdout.write(textOf(one));
  const total = all.reduce((sum, one) => sum + one.inputs, 0);
  process.stdout.write(`seed ${seed}: ${total} inputs in ${seconds} s, ${found} finds\n`);
}
process.exit(found === 0 && all.length === doors.length ? 0 : 1);

function plain({ kinds, finds: own, ...figures }: Figures): object {
  return { ...figures, kinds: Object.fromEntries(kinds), finds: own.length };
}

function textOf(figures: Figures & { readonly reached: string }): string {
  const { door, kinds, slowestMs, peakBytes } = figures;
  const most = [...kinds].sort((a, b) => b[1] - a[1]).map(([kind, count]) => `  ${count} ${kind}`);
  const head =
    `${door}: ${figures.inputs} inputs, ${figures.agreed} compared with another reader, ${kinds.size} kinds of outcome, ` +
    `slowest ${slowestMs.toFixed(1)} ms, peak ${Math.round(peakBytes / 2 ** 20)} MiB, ${figures.kept} kept, ` +
    `${figures.reached} blocks of code, ${figures.finds.length} finds`;
  return `${[head, ...most.slice(0, 12)].join("\n")}\n`;
}
