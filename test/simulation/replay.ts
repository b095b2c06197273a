import { simulate } from "./world.ts";

/** `node test/simulation/replay.ts SEED`: one schedule again, with its trace. */
const seed = Number(process.argv[2]);
if (!Number.isSafeInteger(seed)) throw new Error("give the seed of a schedule");
const { faults, trace, virtualMs } = await simulate(seed, true);
process.stdout.write(`${trace!.join("\n")}\n\nseed ${seed}, ${virtualMs} virtual ms\n`);
for (const fault of faults) process.stdout.write(`WRONG: ${fault}\n`);
process.exitCode = faults.length > 0 ? 1 : 0;
