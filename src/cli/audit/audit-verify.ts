import { CONSUMERS } from "../../../consumers/all.ts";
import { publicKeyOf } from "../../signature/ed25519.ts";
import { inSnapshot } from "../../table/checks/ledger-check.ts";
import { type ChainFault, type ChainReport, walkChain } from "../../verify/chain-walk.ts";
import { checkpointsOfFile, ownCheckpoints } from "../../verify/known-checkpoints.ts";
import { EventLog } from "../../verify/rows/event-log.ts";
import { SignedEntries } from "../../verify/signed-entries.ts";
import { verifyTables } from "../../verify/tables.ts";
import type { CommandSpec } from "../command.ts";
import { EXIT } from "../exit.ts";
import { printable, table } from "../output.ts";
import { count } from "../progress.ts";
import { asReader } from "../services.ts";
import { declareRange, type RangeFlags, rangeOf, readFlagFile } from "./audit-flags.ts";
import { rowsProgress } from "./rows-progress.ts";
import { signingText, unsignedWarnings } from "./signing-text.ts";
import { tablesText } from "./tables-text.ts";

interface VerifyFlags extends RangeFlags {
  readonly checkpoints?: string;
  readonly key: readonly string[];
  readonly tables?: boolean;
}

export const auditVerifyCommand: CommandSpec<VerifyFlags> = {
  name: "verify",
  summary:
    "recompute the audit log's chain, and hold signed checkpoints against it; the first broken entry is named, and whose " +
    "entries aren't signed",
  examples: [
    "tradetape audit verify                                              exit code 1 when an entry doesn't hold",
    "tradetape audit verify --checkpoints kept/paper.jsonl --key audit.pub",
    "tradetape audit verify --from 100000 --to 200000",
    "tradetape audit verify --tables                                     and that the tables are what the log says",
  ],
  declare: (command) => {
    declareRange(command);
    command.option(
      "--checkpoints <file>",
      "what `audit checkpoint` wrote, kept elsewhere: shows that the end was cut off",
    );
    const doc = "public key, PEM: every checkpoint, the log's own ones too, must be signed by it; of several, by one";
    const none: readonly string[] = [];
    command.option("--key <file>", doc, (path: string, before: readonly string[]) => [...before, path], none);
    command.option(
      "--tables",
      "hold the tables against the log, too: a row that was changed, added or removed is named",
    );
  },
  run: async ({ config, log, out, progress }, _args, flags) => {
    const range = rangeOf(flags);
    const { checkpoints: path } = flags;
    const kept = path === undefined ? [] : checkpointsOfFile(readFlagFile("--checkpoints", path), path);
    const keys = flags.key.map((file) => publicKeyOf(readFlagFile("--key", file), file));
    const signed = new SignedEntries();
    const [report, tables] = await asReader(config, "audit verify", (connection) =>
      inSnapshot(connection, async () => {
        const known = [...kept, ...(await ownCheckpoints(connection))];
        const chain = await walkChain(connection, range, known, keys, (entry) => signed.look(entry));
        return [
          chain,
          flags.tables &&
            (await verifyTables(connection, CONSUMERS, new EventLog(config, log), rowsProgress(progress))),
        ] as const;
      }),
    );
    const signing = signed.found();
    const warnings = [...warningsOf(report, kept.length, keys.length > 0), ...unsignedWarnings(signing)];
    const ok = report.faults.length === 0 && (!tables || tables.ok);
    const looked = { ...reportJson(report, warnings), signing };
    out.result(tables ? { ...looked, ok, tables } : looked, () =>
      [reportText(report, warnings), signingText(signing), ...(tables ? [tablesText(tables)] : [])].join("\n\n"),
    );
    return ok ? EXIT.good : EXIT.foundWrong;
  },
};

/** What a good result doesn't say. */
function warningsOf({ checkpoints, entries }: ChainReport, kept: number, hasKey: boolean): string[] {
  if (entries === 0) return [];
  const kinds: string[] = [];
  if (kept === 0) {
    kinds.push(
      "no checkpoint kept elsewhere (--checkpoints): who can write the database could have made all of it anew",
    );
  }
  if (checkpoints > 0 && !hasKey) kinds.push("signatures were not looked at (--key)");
  return kinds;
}

export function reportJson(report: ChainReport, warnings: readonly string[]): object {
  const { entries, head, treeRoot, checkpoints, faults } = report;
  const newest = head && { seq: head.seq, log_id: head.logId, hash: head.hash.toString("hex") };
  const root = treeRoot?.toString("hex") ?? null;
  return { ok: faults.length === 0, entries, head: newest ?? null, treeRoot: root, checkpoints, faults, warnings };
}

export function reportText({ entries, head, checkpoints, faults }: ChainReport, warnings: readonly string[]): string {
  const looked = `${count(entries)} entries, ${count(checkpoints)} checkpoints`;
  const lines = [
    faults.length > 0
      ? `broken: ${looked} hold`
      : `whole: ${looked}${head ? `; entry ${head.seq} has the hash ${head.hash.toString("hex")}` : ""}`,
    ...faults.map(faultText),
    ...warnings.map((warning) => `warning: ${warning}`),
  ];
  return lines.join("\n");
}

function faultText({ seq, logId, detail, expected, found }: ChainFault): string {
  const rows = [
    ["expected", expected],
    ["found", printable(found)],
  ];
  return `\nentry ${seq} (${logId ?? "gone"}): ${printable(detail)}\n${table(["", ""], rows).split("\n").slice(1).join("\n")}`;
}
