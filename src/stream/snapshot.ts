import { createHash } from "node:crypto";
import { isDeepStrictEqual, promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { TradetapeError } from "../errors.ts";
import type { SnapshotTerms } from "./program.ts";

/** A program's state after all records below an offset of each partition, whose outputs were all acknowledged. */
interface Snapshot {
  /** The program's name and the key of its run: a snapshot is of one session, actor and so on. */
  readonly name: string;
  readonly terms: SnapshotTerms;
  /** By topic and partition, as in bars/0: the offset of the first record that it doesn't cover. */
  readonly inputs: Readonly<Record<string, number>>;
  readonly state: unknown;
}

/** What stands in a snapshot's first record, as JSON. */
export interface SnapshotHead {
  readonly format: number;
  readonly name: string;
  readonly version: number;
  /** SHA-256 of the settings as JSON, in hex. */
  readonly settings: string;
  readonly inputs: Readonly<Record<string, number>>;
  /** Over so many records the state, as gzipped JSON, is divided. */
  readonly parts: number;
  /** SHA-256 of this head without this field, and of the parts behind it, in hex. */
  readonly sha256: string;
}

/** A snapshot as its records hold it. */
interface PackedSnapshot {
  readonly head: SnapshotHead;
  readonly parts: readonly Buffer[];
}

/** Raised when a snapshot is laid out otherwise: one of another format isn't read. */
export const SNAPSHOT_FORMAT = 1;
/** Well below what brokers take as one record, whatever their settings. */
const PART_BYTES = 512 * 1024;
/** What a state may take as JSON: the programs' have some kilobytes for each symbol. */
const STATE_BYTES_MAX = 256 * 1024 * 1024;

/** @throws TradetapeError input_invalid where the state isn't what JSON brings back */
export async function packSnapshot({ name, terms, inputs, state }: Snapshot): Promise<PackedSnapshot> {
  const text = JSON.stringify(state);
  requirePlain(name, text, state);
  if (Buffer.byteLength(text) > STATE_BYTES_MAX)
    throw new Error(`the state of ${name} has more than ${STATE_BYTES_MAX} bytes`);
  const bytes = await promisify(gzip)(text);
  const parts: Buffer[] = [];
  for (let from = 0; from < bytes.length; from += PART_BYTES) parts.push(bytes.subarray(from, from + PART_BYTES));
  const { version } = terms;
  const settings = settingsDigest(terms);
  const bare = { format: SNAPSHOT_FORMAT, name, version, settings, inputs, parts: parts.length };
  return { head: { ...bare, sha256: digestOf(bare, parts) }, parts };
}

/** A state as a restart has it, of which nothing is the one that was saved. @throws TradetapeError as `packSnapshot` does */
export function throughJson(name: string, state: unknown): unknown {
  const text = JSON.stringify(state);
  return requirePlain(name, text, state);
}

function requirePlain(name: string, text: string, state: unknown): unknown {
  const again: unknown = JSON.parse(text);
  if (isDeepStrictEqual(again, state)) return again;
  throw new TradetapeError("input_invalid", `the state of ${name} doesn't come back from JSON as it was`, {
    next: "Let its state hold plain values only: no undefined, NaN, -0, Date, Map or Set.",
  });
}

/** @returns undefined where it is no head; what it says is to be believed only where the digest is right */
export function readHead(bytes: Buffer): SnapshotHead | undefined {
  const head = fromJson(bytes) as Partial<SnapshotHead> | null | undefined;
  if (typeof head !== "object" || head === null || !Number.isSafeInteger(head.format)) return undefined;
  // One of another format may be laid out otherwise; that it is of another is all that is asked of it.
  return head.format !== SNAPSHOT_FORMAT || hasAll(head) ? (head as SnapshotHead) : undefined;
}

const isWhole = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isText = (value: unknown): boolean => typeof value === "string";

function hasAll({ name, version, settings, inputs, parts, sha256 }: Partial<SnapshotHead>): boolean {
  const isOffsets = typeof inputs === "object" && inputs !== null && Object.values(inputs).every(isWhole);
  return isOffsets && isWhole(version) && isWhole(parts) && [name, settings, sha256].every(isText);
}

/** @returns the state; undefined where the snapshot is damaged */
export async function unpackSnapshot(
  head: SnapshotHead,
  parts: readonly Buffer[],
): Promise<{ readonly state: unknown } | undefined> {
  const { sha256, ...bare } = head;
  if (sha256 !== digestOf(bare, parts)) return undefined;
  // The digest is no signature: whoever may write to the topic can make one of anything.
  const text = await unpacked(Buffer.concat(parts));
  const state = text && fromJson(text);
  return state === undefined ? undefined : { state };
}

async function unpacked(bytes: Buffer): Promise<Buffer | undefined> {
  try {
    return await promisify<Buffer, object, Buffer>(gunzip)(bytes, { maxOutputLength: STATE_BYTES_MAX });
  } catch {
    return undefined;
  }
}

/** @returns undefined of what is no JSON */
function fromJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}

export const settingsDigest = ({ settings }: SnapshotTerms): string =>
  createHash("sha256").update(JSON.stringify(settings)).digest("hex");

function digestOf(bare: Omit<SnapshotHead, "sha256">, parts: readonly Buffer[]): string {
  const hash = createHash("sha256").update(JSON.stringify(bare));
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}
