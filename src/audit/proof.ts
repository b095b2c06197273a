import type { KeyObject } from "node:crypto";
import { CHAIN_FIELD_NAMES, type ChainFields, chainHash } from "./chain.ts";
import { type Checkpoint, isSignedBy, readCheckpoint } from "./checkpoint.ts";
import { rootFrom } from "./tree.ts";

/** That one entry was in a log when its checkpoint was signed: all that a check needs but the signer's public key. */
export interface Proof {
  readonly format: typeof PROOF_FORMAT;
  readonly seq: number;
  /** What is hashed of the entry, by name, as text or null. */
  readonly entry: Readonly<Record<string, string | null>>;
  /** Lower-case hex, as all digests here. */
  readonly prev_hash: string;
  /** From the leaf to the root of the Merkle tree over the hashes of entries 1 to `checkpoint.seq`, lowest first. */
  readonly path: readonly string[];
  readonly checkpoint: Checkpoint;
}

export const PROOF_FORMAT = "tradetape audit proof 1";

export function namedFields(fields: ChainFields): Record<string, string | null> {
  return Object.fromEntries(CHAIN_FIELD_NAMES.map((name, i) => [name, fields[i] ?? null]));
}

/** A proof as it was written, or undefined for anything else. Nothing in it is believed yet. */
export function readProof(value: unknown): Proof | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { format, seq, entry, prev_hash, path, checkpoint } = value as Partial<Record<keyof Proof, unknown>>;
  const read = readCheckpoint(checkpoint);
  if (format !== PROOF_FORMAT || read === undefined || typeof entry !== "object" || entry === null) return undefined;
  const isText = (field: unknown) => field === null || typeof field === "string";
  const isDigest = (text: unknown) => typeof text === "string" && /^[0-9a-f]{64}$/.test(text);
  const said = entry as Record<string, string | null>;
  const isWhole =
    Number.isSafeInteger(seq) &&
    isDigest(prev_hash) &&
    Array.isArray(path) &&
    path.every(isDigest) &&
    CHAIN_FIELD_NAMES.every((name) => isText(said[name] ?? null));
  if (!isWhole) return undefined;
  // What isn't hashed isn't proved: a field that was added must not be shown with what is.
  const proved = Object.fromEntries(CHAIN_FIELD_NAMES.map((name) => [name, said[name] ?? null]));
  return { ...(value as Proof), entry: proved, checkpoint: read };
}

/** @returns what is wrong with a proof, as a sentence; undefined when it holds */
export const faultOf = (proof: Proof, publicKey: KeyObject): string | undefined =>
  isSignedBy(proof.checkpoint, publicKey) ? pathFault(proof) : "its checkpoint is not signed by this key";

/** The same of the way from the entry to the checkpoint, whoever signed that. */
export function pathFault({ seq, entry, prev_hash, path, checkpoint }: Proof): string | undefined {
  const fields = CHAIN_FIELD_NAMES.map((name) => entry[name] ?? null);
  const leaf = chainHash(Buffer.from(prev_hash, "hex"), fields);
  const steps = path.map((digest) => Buffer.from(digest, "hex"));
  const root = rootFrom(leaf, seq - 1, checkpoint.seq, steps)?.toString("hex");
  if (root === undefined) return `its path doesn't fit entry ${seq} of ${checkpoint.seq}`;
  if (root === checkpoint.tree_root) return undefined;
  return `entry ${seq} isn't what was signed: its path leads to ${root}, the checkpoint says ${checkpoint.tree_root}`;
}
