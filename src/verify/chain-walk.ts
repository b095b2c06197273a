import type { KeyObject } from "node:crypto";
import { CHAIN_START, chainHash } from "../audit/chain.ts";
import { type Checkpoint, isSignedBy } from "../audit/checkpoint.ts";
import { GrowingTree } from "../audit/tree.ts";
import type { Connection } from "../table/connection.ts";
import { type ChainEntry, chainPages, hashAt, ledgerEntries } from "../table/landing/chain.ts";

/** A fault of the chain: at which entry, what had to be there, and what is. */
export interface ChainFault {
  readonly kind: "sequence" | "link" | "content" | "tail" | "surplus" | "checkpoint" | "signature";
  readonly seq: number;
  /** Null where the entry is gone. */
  readonly logId: string | null;
  readonly expected: string;
  readonly found: string;
  readonly detail: string;
}

/** A checkpoint and where it was read: a file's line, or an entry of the log itself. */
export interface KnownCheckpoint {
  readonly checkpoint: Checkpoint;
  readonly from: string;
}

export interface ChainRange {
  /** First and last entry to look at; without `to`, up to the newest. */
  readonly from: number;
  readonly to?: number | undefined;
}

export interface ChainReport {
  /** Entries that were looked at and hold. */
  readonly entries: number;
  /** The newest of them. */
  readonly head: { readonly seq: number; readonly logId: string; readonly hash: Buffer } | undefined;
  /** Over the entries' hashes; undefined when the range doesn't begin with the first entry, or a link is broken. */
  readonly treeRoot: Buffer | undefined;
  /** Checkpoints of entries within the range. */
  readonly checkpoints: number;
  readonly faults: readonly ChainFault[];
}

/**
 * Recomputes every link from the entries as they are stored, up to the first broken one, and holds checkpoints against
 * them. To be called in a snapshot. Reads page by page: memory doesn't grow with the log.
 * @param publicKeys of which one must have signed each checkpoint; without any, signatures aren't looked at
 * @param onEntry is shown each entry that holds
 */
export async function walkChain(
  connection: Connection,
  range: ChainRange,
  known: readonly KnownCheckpoint[],
  publicKeys: readonly KeyObject[] = [],
  onEntry?: (entry: ChainEntry) => void,
): Promise<ChainReport> {
  const { from, to } = range;
  const isForged = ({ checkpoint }: KnownCheckpoint) => !publicKeys.some((key) => isSignedBy(checkpoint, key));
  const forged = publicKeys.length === 0 ? [] : known.filter(isForged);
  const faults: ChainFault[] = forged.map(unsigned);
  const meant = known.filter(
    (one) => !forged.includes(one) && one.checkpoint.seq >= from && one.checkpoint.seq <= (to ?? one.checkpoint.seq),
  );
  const before = from === 1 ? CHAIN_START : await hashAt(connection, from - 1);
  if (before === undefined) {
    faults.push(goneBefore(from));
    return { entries: 0, head: undefined, treeRoot: undefined, checkpoints: 0, faults };
  }
  const tree = from === 1 ? new GrowingTree() : undefined;
  let head: ChainReport["head"];
  let [seq, hash] = [from - 1, before];
  const report = (): ChainReport => {
    const reached = meant.filter(({ checkpoint }) => checkpoint.seq <= seq).length;
    const whole = faults.every(({ kind }) => kind === "signature" || kind === "checkpoint");
    return { entries: seq - from + 1, head, treeRoot: whole ? tree?.root() : undefined, checkpoints: reached, faults };
  };
  for await (const page of chainPages(connection, from, to)) {
    for (const entry of page) {
      const broken = brokenLink(entry, seq, hash);
      if (broken !== undefined) {
        faults.push(broken);
        return report();
      }
      ({ seq, hash } = entry);
      head = { seq, logId: entry.id, hash };
      tree?.add(hash);
      onEntry?.(entry);
      for (const one of meant) if (one.checkpoint.seq === seq) faults.push(...against(one, entry, tree));
    }
  }
  faults.push(...(await missingTail(connection, range, seq, meant)));
  return report();
}

function brokenLink(entry: ChainEntry, lastSeq: number, lastHash: Buffer): ChainFault | undefined {
  const at = { seq: entry.seq, logId: entry.id };
  if (entry.seq !== lastSeq + 1) {
    const [expected, found] = [`entry ${lastSeq + 1}`, `entry ${entry.seq}`];
    const detail =
      entry.seq > lastSeq ? `follows entry ${lastSeq}: what was between is gone` : "was inserted: numbers begin with 1";
    return { kind: "sequence", ...at, expected, found, detail };
  }
  const previous = entry.previous.toString("hex");
  if (!entry.previous.equals(lastHash)) {
    const expected = lastHash.toString("hex");
    return { kind: "link", ...at, expected, found: previous, detail: "doesn't link to the entry before it" };
  }
  const hash = chainHash(lastHash, entry.fields);
  if (entry.hash.equals(hash)) return undefined;
  const [expected, found] = [entry.hash.toString("hex"), hash.toString("hex")];
  return { kind: "content", ...at, expected, found, detail: "its content isn't what was hashed" };
}

function against(
  { checkpoint, from }: KnownCheckpoint,
  entry: ChainEntry,
  tree: GrowingTree | undefined,
): ChainFault[] {
  const { seq, log_id, hash, tree_root, made_at } = checkpoint;
  const root = tree?.root().toString("hex") ?? tree_root;
  const found = entry.hash.toString("hex");
  if (found === hash && root === tree_root && entry.id === log_id) return [];
  const detail = `is not what the checkpoint of ${made_at} (${from}) says: entries up to it were made anew`;
  return [{ kind: "checkpoint", seq, logId: entry.id, expected: hash, found, detail }];
}

/** Finds newest entries that are gone, which breaks no link: a checkpoint names them, or the ledger counts them. */
async function missingTail(
  connection: Connection,
  { from, to }: ChainRange,
  last: number,
  known: readonly KnownCheckpoint[],
): Promise<ChainFault[]> {
  const gone = (upTo: number, says: string): ChainFault => ({
    kind: "tail",
    seq: last + 1,
    logId: null,
    expected: `entry ${upTo}`,
    found: last === 0 ? "an empty log" : `entry ${last}, the last one`,
    detail: `entries ${last + 1} to ${upTo} are gone: ${says}`,
  });
  const beyond = known.filter(({ checkpoint }) => checkpoint.seq > last);
  const farthest = beyond.sort((a, b) => b.checkpoint.seq - a.checkpoint.seq)[0];
  if (farthest !== undefined) {
    const { seq, made_at } = farthest.checkpoint;
    return [gone(seq, `the checkpoint of ${made_at} (${farthest.from}) saw them`)];
  }
  if (to !== undefined) return last < to ? [gone(to, "the log ends before the range does")] : [];
  if (from > 1) return [];
  const landed = await ledgerEntries(connection);
  if (landed > last) return [gone(landed, "the ledger counts them as landed")];
  return landed < last ? [surplus(landed, last)] : [];
}

/** The fault of entries that never landed: whoever can insert into the log can hash, so they link up all the same. */
const surplus = (landed: number, last: number): ChainFault => ({
  kind: "surplus",
  seq: last,
  logId: null,
  expected: `${landed} entries, which the ledger counts as landed`,
  found: `${last} entries`,
  detail: `${last - landed} of the log's entries never landed`,
});

const unsigned = ({ checkpoint, from }: KnownCheckpoint): ChainFault => ({
  kind: "signature",
  seq: checkpoint.seq,
  logId: checkpoint.log_id,
  expected: "a signature by a key of --key",
  found: `one that isn't, of a checkpoint that names the key ${checkpoint.key_sha256}`,
  detail: `the checkpoint of ${checkpoint.made_at} (${from}) was altered, or signed by somebody else`,
});

const goneBefore = (from: number): ChainFault => ({
  kind: "sequence",
  seq: from - 1,
  logId: null,
  expected: `entry ${from - 1}`,
  found: "nothing",
  detail: `the range begins at entry ${from}, and the entry before it is not there`,
});
