import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { TradetapeError } from "../../errors.ts";
import { readPrivateKey } from "../../own-file.ts";
import type { ChainRange } from "../../verify/chain-walk.ts";
import { wholeFlag, wrong } from "../flags.ts";

export interface RangeFlags {
  readonly from?: string;
  readonly to?: string;
}

export function declareRange(command: Command): void {
  command.option("--from <seq>", "the first entry; without it, 1");
  command.option("--to <seq>", "the last entry; without it, the newest");
}

/** @throws TradetapeError input_invalid */
export function rangeOf(flags: RangeFlags): ChainRange {
  const from = wholeFlag("--from", flags.from, 1) ?? 1;
  const to = wholeFlag("--to", flags.to, 1);
  if (to !== undefined && to < from) throw wrong(`--from ${from} --to ${to}`, "a range that ends behind its beginning");
  return { from, to };
}

/** @throws TradetapeError input_invalid that says which flag's file can't be read */
export const readFlagFile = (flag: string, path: string): string => ofFlag(flag, () => readFileSync(path, "utf8"));

/** @throws TradetapeError input_invalid that says which flag's key can't be read, or that others can read it, too */
export const readFlagKey = (flag: string, path: string): string => ofFlag(flag, () => readPrivateKey(path));

function ofFlag(flag: string, read: () => string): string {
  try {
    return read();
  } catch (cause) {
    throw new TradetapeError("input_invalid", `${flag}: ${(cause as Error).message}`, { cause });
  }
}
