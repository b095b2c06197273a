import { createHash } from "node:crypto";

/** An entry's content as text, in the chain's order; `payload` as PostgreSQL writes jsonb, times in microseconds. */
export type ChainFields = readonly (string | null)[];

/** What the fields are called, in the order in which they are hashed. */
export const CHAIN_FIELD_NAMES = [
  "log_id",
  "timestamp",
  "event_type",
  "actor",
  "payload",
  "success",
  "backtest_session_id",
  "correlation_id",
  "source_topic",
  "source_partition",
  "source_offset",
  "signed_by",
] as const;

/** How many of them every entry has. The last one, which key signed it, was added later, and is hashed where it isn't null. */
const FIELDS_OF_ALL = 11;

/** The hash before the first entry. */
export const CHAIN_START: Buffer = Buffer.alloc(32);

const NULL_LENGTH = -1;

/**
 * Fields one behind the other, each as a big-endian int32 length and its UTF-8 bytes (null is length -1). Lengths keep
 * ("ab", "c") and ("a", "bc") apart.
 */
export function encodeFields(fields: ChainFields): Buffer {
  const parts: Buffer[] = [];
  for (const field of fields) {
    const bytes = field === null ? undefined : Buffer.from(field, "utf8");
    const length = Buffer.alloc(4);
    length.writeInt32BE(bytes?.length ?? NULL_LENGTH);
    parts.push(length);
    if (bytes) parts.push(bytes);
  }
  return Buffer.concat(parts);
}

/**
 * The hash of an entry: SHA-256 of the previous hash and the entry's encoded fields. Serial numbers are left out: they
 * say where a row lies, not what it tells. An entry that nobody signed has the hash that it had before signatures were known,
 * and none that a signed one can have: every field says its length, so that one field more is another text.
 */
export function chainHash(previous: Buffer, fields: ChainFields): Buffer {
  const said = fields.filter((field, i) => i < FIELDS_OF_ALL || field !== null);
  return createHash("sha256").update(previous).update(encodeFields(said)).digest();
}
