import type { BatchClaim, RemovalClaim } from "../../table/checks/row-claims.ts";
import { addTo, coarsest, groupedBy, type Sum, type Sums, sumsOf } from "../../table/rows/row-sums.ts";

/** A batch or a removal of which ledger and log don't say the same. */
export interface ClaimFinding {
  readonly subject: string;
  readonly logId: string | null;
  readonly detail: string;
}

/** A receipt that tells of other rows than the ledger and another receipt of the same batch do. */
export interface ContradictingReceipt {
  readonly logId: string;
  /** As topic/partition, and the batch's offsets. */
  readonly partition: string;
  readonly from: number;
  readonly to: number;
}

/** A part of time, as 2024-03-05T14, whose rows in the table aren't those that landed. */
export interface Differing {
  readonly part: string;
  readonly rows: number;
  readonly landed: number;
}

export const LISTED_MAX = 100;

/** What ledger and log tell of a table's rows. Where they don't say the same, the log is believed. */
export class Claims {
  readonly #sums = new Map<string, Sum>();
  readonly findings: ClaimFinding[] = [];
  readonly withoutReceipt = { batches: 0, rows: 0 };
  batches = 0;
  /** Receipts beside the first one of a batch, and of batches that the database landed anew in other cuts. */
  toldAgain = 0;
  /** Of those, the contradictions: all counted, the first ones listed. */
  contradicting = 0;
  readonly contradictions: ContradictingReceipt[] = [];
  unknownRows = 0;
  unknownRemoved = 0;

  get rows(): number {
    return [...this.#sums.values()].reduce((sum, { rows }) => sum + rows, 0);
  }

  note(subject: string, logId: string | null, detail: string): void {
    if (this.findings.length < LISTED_MAX) this.findings.push({ subject, logId, detail });
  }

  take(claim: BatchClaim): void {
    const { logId, rows } = claim;
    const subject = `${claim.topic}/${claim.partition}`;
    const range = `offsets ${claim.firstOffset} to ${claim.nextOffset}`;
    this.batches++;
    this.toldAgain += Math.max(0, claim.receipts - 1);
    if (!claim.differs) this.#contradict(claim);
    if (claim.differs) this.note(subject, logId, `${range}: the ledger tells of other rows than the receipt`);
    if (claim.skipped) this.note(subject, null, `${range}: no receipt, and one of a later batch has come`);
    const sums = believed(claim);
    if (sums === undefined) this.unknownRows += rows;
    else for (const [part, sum] of sums) addTo(this.#sums, part, sum);
    if (logId !== null) return;
    this.withoutReceipt.batches++;
    this.withoutReceipt.rows += rows;
  }

  #contradict({
    topic,
    partition,
    firstOffset: from,
    nextOffset: to,
    contradicting,
    contradictingIds,
  }: BatchClaim): void {
    this.contradicting += contradicting;
    const left = LISTED_MAX - this.contradictions.length;
    for (const logId of contradictingIds.slice(0, left)) {
      this.contradictions.push({ logId, partition: `${topic}/${partition}`, from, to });
    }
  }

  /** Rows that were removed: by their entries where these have come. */
  remove({ actionId, rows, toldRows, own, told }: RemovalClaim): void {
    const [here, there] = [sumsOfAll(own), told === null ? undefined : sumsOfAll(told)];
    if (told !== null && (toldRows !== rows || !isSame(here, there))) {
      const detail = `the ledger tells of ${rows} removed rows, the log of ${toldRows}, or of others`;
      this.note(`removal ${actionId}`, null, detail);
    }
    const sums = told === null ? here : there;
    if (sums === undefined) this.unknownRemoved += Math.max(rows, toldRows ?? 0);
    else for (const [part, sum] of sums) addTo(this.#sums, part, sum, -1);
  }

  /** @returns the hash that the rows of a part had as they landed, too, and the part that an hour is compared in */
  compare(table: Sums): {
    differing: (Differing & { readonly hash: bigint })[];
    notProvable: string[];
    partOf: (hour: string) => string;
  } {
    const partOf = coarsest(this.#sums.keys());
    const here = groupedBy(table, partOf);
    const told = groupedBy(this.#sums, partOf);
    const differing: (Differing & { readonly hash: bigint })[] = [];
    const notProvable: string[] = [];
    for (const name of [...new Set([...here.keys(), ...told.keys()])].sort()) {
      const [own, landed] = [here.get(name), told.get(name)];
      const rows = own?.rows ?? 0;
      const more = rows - (landed?.rows ?? 0);
      if (more === 0 && (own?.hash ?? 0n) === (landed?.hash ?? 0n)) continue;
      // What landed before there were sums can only add rows, and what was removed then can only lack.
      const isKnown = more > this.unknownRows || -more > this.unknownRemoved || more === 0;
      if (isKnown) differing.push({ part: name, rows, landed: rows - more, hash: landed?.hash ?? 0n });
      else notProvable.push(name);
    }
    return { differing, notProvable, partOf };
  }
}

/** The receipt's sums, or while it hasn't come the ledger's. */
export const believed = ({ logId, own, told }: BatchClaim): Sums | undefined => sumsOf(logId === null ? own : told);

function sumsOfAll(texts: readonly unknown[]): Sums | undefined {
  const all = new Map<string, Sum>();
  for (const text of texts) {
    const sums = sumsOf(text);
    if (sums === undefined) return undefined;
    for (const [part, sum] of sums) addTo(all, part, sum);
  }
  return all;
}

function isSame(a: Sums | undefined, b: Sums | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (
    a.size === b.size &&
    [...a].every(([part, { rows, hash }]) => b.get(part)?.rows === rows && b.get(part)?.hash === hash)
  );
}
