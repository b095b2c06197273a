import { createHash } from "node:crypto";

/** An entry's content as text, in the chain's order; `payload` as PostgreSQL writes jsonb, times in microseconds. */
export type ChainFields = readonly (string | null)[];

/** The hash before the first entry. */
export const CHAIN_START: Buffer = Buffer.alloc(32);

const NULL_LENGTH = -1;

/**
 * The hash of an entry: SHA-256 of the previous hash and the entry's fields, each as a big-endian int32 length and its
 * UTF-8 bytes (null is length -1). Lengths keep ("ab", "c") and ("a", "bc") apart. Serial numbers are left out: they
 * say where a row lies, not what it tells.
 */
export function chainHash(previous: Buffer, fields: ChainFields): Buffer {
  const hash = createHash("sha256").update(previous);
  const length = Buffer.alloc(4);
  for (const field of fields) {
    const bytes = field === null ? undefined : Buffer.from(field, "utf8");
    length.writeInt32BE(bytes?.length ?? NULL_LENGTH);
    hash.update(length);
    if (bytes) hash.update(bytes);
  }
  return hash.digest();
}
