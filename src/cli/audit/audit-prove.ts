import { faultOf, namedFields, PROOF_FORMAT, type Proof, pathFault, readProof } from "../../audit/proof.ts";
import { inclusionPath } from "../../audit/tree.ts";
import { TradetapeError } from "../../errors.ts";
import { writeOwnFile } from "../../own-file.ts";
import { publicKeyOf } from "../../signature/ed25519.ts";
import { inSnapshot } from "../../table/checks/ledger-check.ts";
import type { Connection } from "../../table/connection.ts";
import { entryOf, storedHashes } from "../../table/landing/chain.ts";
import type { KnownCheckpoint } from "../../verify/chain-walk.ts";
import { checkpointsOfFile, ownCheckpoints } from "../../verify/known-checkpoints.ts";
import type { CommandSpec } from "../command.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { uuidOf, wrong } from "../flags.ts";
import type { Output } from "../output.ts";
import { asReader } from "../services.ts";
import { readFlagFile } from "./audit-flags.ts";

interface ProveFlags {
  readonly checkpoints?: string;
  readonly out?: string;
  readonly check?: string;
  readonly key?: string;
}

export const proveCommand: CommandSpec<ProveFlags> = {
  name: "prove",
  summary: "a proof that one audit entry was there when a checkpoint was signed; or check one, without the database",
  examples: [
    "tradetape audit prove 0e0f5a3c-... --out proof.json          the entry, and a path of hashes to a checkpoint",
    "tradetape audit prove --check proof.json --key audit.pub     exit code 1 when it doesn't hold",
  ],
  declare: (command) => {
    command.argument("[log_id]", "the entry");
    command.option("--checkpoints <file>", "what `audit checkpoint` wrote; without it, the log's own ones");
    command.option("--out <file>", "where the proof goes; without it, to standard output");
    command.option("--check <file>", "a proof to be checked");
    command.option("--key <file>", "with --check: the signer's public key, PEM");
  },
  run: async ({ config, out }, [logId], flags) => {
    if (flags.check !== undefined) return check(out, flags.check, flags.key);
    const id = uuidOf("the log_id", logId, "the id of an audit entry");
    const { checkpoints: path } = flags;
    const kept = path === undefined ? undefined : checkpointsOfFile(readFlagFile("--checkpoints", path), path);
    const proof = await asReader(config, "audit prove", (connection) =>
      inSnapshot(connection, async () => proofOf(connection, id, kept ?? (await ownCheckpoints(connection)))),
    );
    const fault = pathFault(proof);
    if (fault !== undefined) {
      out.result({ ok: false, fault }, () => `no proof: ${fault}; \`tradetape audit verify\` says where the log broke`);
      return EXIT.foundWrong;
    }
    const document = JSON.stringify(proof, null, 2);
    if (flags.out === undefined) {
      out.result(proof, () => document);
      return EXIT.good;
    }
    writeProof(flags.out, document);
    const { seq, path: steps, checkpoint } = proof;
    out.result(
      { seq, hashes: steps.length, checkpoint: checkpoint.seq, file: flags.out },
      () => `${flags.out}: entry ${seq}, ${steps.length} hashes to the checkpoint of ${checkpoint.seq} entries`,
    );
    return EXIT.good;
  },
};

/** @throws TradetapeError input_invalid when there is no such entry, or no checkpoint behind it */
async function proofOf(connection: Connection, logId: string, known: readonly KnownCheckpoint[]): Promise<Proof> {
  const entry = await entryOf(connection, logId);
  if (entry === undefined) throw new TradetapeError("input_invalid", `the audit log has no entry ${logId}`);
  const { seq, fields, previous } = entry;
  const behind = known.map(({ checkpoint }) => checkpoint).filter((checkpoint) => checkpoint.seq >= seq);
  const checkpoint = behind.sort((a, b) => a.seq - b.seq)[0];
  if (checkpoint === undefined) {
    const next = "Sign one with `tradetape audit checkpoint`, or give the file that has it as --checkpoints.";
    throw new TradetapeError("input_invalid", `no checkpoint covers entry ${seq}`, { next });
  }
  const hashes = await storedHashes(connection, checkpoint.seq);
  const path = inclusionPath(hashes, seq - 1).map((hash) => hash.toString("hex"));
  const prev_hash = previous.toString("hex");
  return { format: PROOF_FORMAT, seq, entry: namedFields(fields), prev_hash, path, checkpoint };
}

/** Reads nothing but two files. */
function check(out: Output, path: string, keyPath: string | undefined): ExitCode {
  if (keyPath === undefined) throw wrong("--check without --key", "--check proof.json --key audit.pub");
  const key = publicKeyOf(readFlagFile("--key", keyPath), keyPath);
  const proof = readProof(jsonOf(readFlagFile("--check", path)));
  if (proof === undefined) throw wrong(`--check ${path}`, "a proof that `tradetape audit prove` wrote");
  const fault = faultOf(proof, key);
  const { seq, entry } = proof;
  const { seq: signed, made_at } = proof.checkpoint;
  out.result({ ok: fault === undefined, seq, entry, fault: fault ?? null }, () =>
    fault === undefined
      ? `holds: ${entry.event_type} ${entry.log_id} was entry ${seq} of the ${signed} signed at ${made_at}`
      : `doesn't hold: ${fault}`,
  );
  return fault === undefined ? EXIT.good : EXIT.foundWrong;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function writeProof(path: string, document: string): void {
  try {
    writeOwnFile(path, `${document}\n`);
  } catch (cause) {
    throw new TradetapeError("input_invalid", `--out: ${(cause as Error).message}`, { cause });
  }
}
