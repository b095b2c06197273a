import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { namedFields } from "../../audit/proof.ts";
import { TradetapeError } from "../../errors.ts";
import { openOwnFile } from "../../own-file.ts";
import { inSnapshot } from "../../table/checks/ledger-check.ts";
import type { Connection } from "../../table/connection.ts";
import { type ChainEntry, chainPages } from "../../table/landing/chain.ts";
import type { ChainRange } from "../../verify/chain-walk.ts";
import type { CommandSpec } from "../command.ts";
import { EXIT } from "../exit.ts";
import { count } from "../progress.ts";
import { asReader } from "../services.ts";
import { declareRange, type RangeFlags, rangeOf } from "./audit-flags.ts";

interface ExportFlags extends RangeFlags {
  readonly jsonl: string | true;
}

export const exportCommand: CommandSpec<ExportFlags> = {
  name: "export",
  summary:
    "the audit log as JSON lines with its hashes, for somebody who verifies it without tradetape (docs/audit.md)",
  examples: [
    "tradetape audit export --jsonl audit.jsonl",
    "tradetape audit export --jsonl --from 1000 | gzip > audit.jsonl.gz",
  ],
  declare: (command) => {
    declareRange(command);
    command.requiredOption("--jsonl [file]", "to this file; without one, to standard output");
  },
  run: async ({ config, out }, _args, flags) => {
    const range = rangeOf(flags);
    const file = flags.jsonl === true ? undefined : flags.jsonl;
    const entries = await asReader(config, "audit export", (connection) =>
      inSnapshot(connection, () => exportTo(connection, range, file)),
    );
    if (file !== undefined) out.result({ entries, file }, () => `${count(entries)} entries in ${file}`);
    return EXIT.good;
  },
};

/** @returns how many entries were written. @throws TradetapeError input_invalid when the file can't be */
async function exportTo(connection: Connection, { from, to }: ChainRange, file: string | undefined): Promise<number> {
  let entries = 0;
  async function* lines(): AsyncGenerator<string> {
    for await (const page of chainPages(connection, from, to)) {
      entries += page.length;
      yield page.map((entry) => `${JSON.stringify(exported(entry))}\n`).join("");
    }
  }
  const source = Readable.from(lines());
  if (file === undefined) {
    await pipeline(source, process.stdout, { end: false });
    return entries;
  }
  const descriptor = opened(file);
  try {
    await pipeline(source, createWriteStream(file, { fd: descriptor }));
  } catch (cause) {
    if (typeof (cause as NodeJS.ErrnoException).syscall !== "string") throw cause;
    throw unwritable(cause);
  }
  return entries;
}

function opened(file: string): number {
  try {
    return openOwnFile(file, "replace");
  } catch (cause) {
    throw unwritable(cause);
  }
}

const unwritable = (cause: unknown) =>
  new TradetapeError("input_invalid", `--jsonl: ${(cause as Error).message}`, { cause });

/** Every field as the text that is hashed, so that a reader need not write a number or a time as we do. */
const exported = ({ seq, fields, previous, hash }: ChainEntry) => ({
  seq,
  ...namedFields(fields),
  prev_hash: previous.toString("hex"),
  hash: hash.toString("hex"),
});
