import { closeSync, existsSync, fsyncSync, writeSync } from "node:fs";
import { userName } from "../../audit/actor.ts";
import { signCheckpoint } from "../../audit/checkpoint.ts";
import { publishCheckpoint } from "../../audit/publish-checkpoint.ts";
import { requireServices } from "../../config.ts";
import { TradetapeError } from "../../errors.ts";
import { openOwnFile } from "../../own-file.ts";
import { privateKeyOf } from "../../signature/ed25519.ts";
import { inSnapshot } from "../../table/checks/ledger-check.ts";
import { databaseId } from "../../table/landing/landed.ts";
import { walkChain } from "../../verify/chain-walk.ts";
import { checkpointsOfFile, ownCheckpoints } from "../../verify/known-checkpoints.ts";
import type { CommandSpec } from "../command.ts";
import { EXIT } from "../exit.ts";
import { asRole } from "../services.ts";
import { readFlagFile, readFlagKey } from "./audit-flags.ts";
import { reportJson, reportText } from "./audit-verify.ts";

interface CheckpointFlags {
  readonly sign: string;
  readonly out: string;
}

export const checkpointCommand: CommandSpec<CheckpointFlags> = {
  name: "checkpoint",
  summary: "verify the audit log and sign how far it reaches: to a file that is kept elsewhere, and to the audit topic",
  examples: [
    "openssl genpkey -algorithm ed25519 -out audit.key && openssl pkey -in audit.key -pubout -out audit.pub",
    "tradetape audit checkpoint --sign audit.key --out kept/paper.jsonl",
  ],
  declare: (command) => {
    command.requiredOption("--sign <keyfile>", "Ed25519 private key, PEM, of mode 0600");
    command.requiredOption("--out <file>", "a line is added to it; keep it where the database's owner can't write");
  },
  run: async ({ config, out, log }, _args, flags) => {
    requireServices(config, "databaseUrl", "kafkaBrokers", "schemaRegistryUrl");
    const key = privateKeyOf(readFlagKey("--sign", flags.sign), flags.sign);
    const kept = existsSync(flags.out) ? checkpointsOfFile(readFlagFile("--out", flags.out), flags.out) : [];
    const { report, database } = await asRole(config, "audit checkpoint", "tradetape_reader", (connection) =>
      inSnapshot(connection, async () => ({
        database: await databaseId(connection),
        report: await walkChain(connection, { from: 1 }, [...kept, ...(await ownCheckpoints(connection))]),
      })),
    );
    if (report.faults.length > 0) {
      out.result(reportJson(report, []), () => `${reportText(report, [])}\n\nnothing was signed`);
      return EXIT.foundWrong;
    }
    const { head, treeRoot } = report;
    if (head === undefined || treeRoot === undefined) {
      throw new TradetapeError("input_invalid", "the audit log is empty", { next: "Land the audit topic first." });
    }
    const state = {
      seq: head.seq,
      log_id: head.logId,
      hash: head.hash.toString("hex"),
      tree_root: treeRoot.toString("hex"),
    };
    const checkpoint = signCheckpoint({ database_id: database, ...state, made_at: new Date().toISOString() }, key);
    // Opened first: what can't be kept should not be published either.
    const file = openForMore(flags.out);
    try {
      const topic = await publishCheckpoint(config, log, checkpoint, userName());
      writeSync(file, `${JSON.stringify(checkpoint)}\n`);
      fsyncSync(file);
      out.result({ ok: true, ...checkpoint, topic, file: flags.out }, () =>
        [`entries 1 to ${head.seq} hold and are signed`, `in ${flags.out}, and published to ${topic}`].join("\n"),
      );
    } finally {
      closeSync(file);
    }
    return EXIT.good;
  },
};

/** @throws TradetapeError input_invalid */
function openForMore(path: string): number {
  try {
    return openOwnFile(path, "append");
  } catch (cause) {
    throw new TradetapeError("input_invalid", `--out: ${(cause as Error).message}`, { cause });
  }
}
