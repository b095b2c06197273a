import { createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { isUuid } from "../event/field/checks.ts";
import { fingerprint } from "../signature/ed25519.ts";
import { encodeFields } from "./chain.ts";

/**
 * What a log held when somebody looked and signed: how many entries, the hash of the newest one, and the root of the
 * Merkle tree over the hashes of all. Kept elsewhere, it shows what a chain alone can't: that its end was cut off, or
 * that all of it was made anew. Digests are lower-case hex.
 */
export interface Checkpoint {
  readonly database_id: string;
  /** The newest entry's; how many entries there are. */
  readonly seq: number;
  readonly log_id: string;
  readonly hash: string;
  readonly tree_root: string;
  /** ISO 8601, UTC. */
  readonly made_at: string;
  /** The public key's fingerprint. */
  readonly key_sha256: string;
  /** Ed25519, base64. */
  readonly signature: string;
}

type Unsigned = Omit<Checkpoint, "key_sha256" | "signature">;

/** What is signed: these fields in the audit chain's own encoding. The name comes first, so that nothing else fits it. */
const signedBytes = (c: Unsigned): Buffer =>
  encodeFields([
    "tradetape audit checkpoint 1",
    c.database_id,
    String(c.seq),
    c.log_id,
    c.hash,
    c.tree_root,
    c.made_at,
  ]);

export function signCheckpoint(unsigned: Unsigned, privateKey: KeyObject): Checkpoint {
  return {
    ...unsigned,
    key_sha256: fingerprint(createPublicKey(privateKey)),
    signature: sign(null, signedBytes(unsigned), privateKey).toString("base64"),
  };
}

export const isSignedBy = (checkpoint: Checkpoint, publicKey: KeyObject): boolean =>
  verify(null, signedBytes(checkpoint), publicKey, Buffer.from(checkpoint.signature, "base64"));

const HEX_256 = /^[0-9a-f]{64}$/;

/** A checkpoint as it was written, or undefined for anything else. Its signature is not looked at. */
export function readCheckpoint(value: unknown): Checkpoint | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const c = value as Record<keyof Checkpoint, unknown>;
  const isWhole =
    [c.database_id, c.log_id].every((id) => typeof id === "string" && isUuid(id)) &&
    [c.hash, c.tree_root, c.key_sha256].every((digest) => typeof digest === "string" && HEX_256.test(digest)) &&
    [c.made_at, c.signature].every((text) => typeof text === "string") &&
    Number.isSafeInteger(c.seq) &&
    (c.seq as number) > 0;
  if (!isWhole) return undefined;
  const { database_id, seq, log_id, hash, tree_root, made_at, key_sha256, signature } = value as Checkpoint;
  return { database_id, seq, log_id, hash, tree_root, made_at, key_sha256, signature };
}
