import { type Consumer, hasherOf } from "../batch/consumer.ts";
import { batchClaims, removalClaims, strayReceipts, tableSums } from "../table/checks/row-claims.ts";
import type { Connection } from "../table/connection.ts";
import { landedNames } from "../table/upkeep/day-partitions.ts";
import { believed, type ClaimFinding, Claims, type Differing, LISTED_MAX } from "./claims.ts";

/** A part of time that differs, and where its rows came from. */
interface PartFinding extends Differing {
  /** The partitions by which rows of it came, as topic/partition: the offsets of the batches that told of it, from and to. */
  readonly batches: readonly { readonly partition: string; readonly from: number; readonly to: number }[];
}

/** One table of market data, held against the sums in its batches' receipts. */
export interface SumsReport {
  readonly table: string;
  /** Revisions, too. */
  readonly rows: number;
  /** Rows that landed and weren't removed, as receipts and the ledger say. */
  readonly landed: number;
  readonly batches: number;
  /** All counted, the first ones listed. */
  readonly differing: number;
  readonly parts: readonly PartFinding[];
  readonly claims: readonly ClaimFinding[];
  /** Batches whose receipts haven't come, as a replay makes none: the ledger alone tells of their rows. */
  readonly withoutReceipt: { readonly batches: number; readonly rows: number };
  /**
   * What can't be proven: rows that landed, or were removed, before there were sums, and the parts of time in which the table
   * has such rows.
   */
  readonly notProvable: { readonly rows: number; readonly removed: number; readonly parts: readonly string[] };
}

/** Holds a table of market data against the sums that its batches' receipts tell. To be called in a snapshot. */
export async function compareSums(
  connection: Connection,
  consumer: Consumer,
  databaseId: string,
  onRows: (done: number, total: number) => void,
): Promise<SumsReport> {
  const { landing, topic } = consumer;
  const topics = await landedNames(connection, topic);
  const claims = new Claims();
  for await (const page of batchClaims(connection, topics, databaseId)) for (const claim of page) claims.take(claim);
  for (const removal of await removalClaims(connection, landing, databaseId)) claims.remove(removal);
  for (const { logId, topic, partition, firstOffset } of await strayReceipts(connection, topics, databaseId)) {
    claims.note(
      `${topic}/${partition}`,
      logId,
      `a receipt of the batch at offset ${firstOffset}, which the ledger doesn't have`,
    );
  }
  const total = claims.rows + claims.unknownRows;
  const { sums, rows } = await tableSums(connection, landing, hasherOf(consumer)!, (done) => onRows(done, total));
  onRows(rows, rows);
  const { differing, notProvable } = claims.compare(sums.sums());
  const found = differing.slice(0, LISTED_MAX);
  const batches = await batchesOf(connection, topics, databaseId, found);
  return {
    table: landing.table,
    rows,
    landed: claims.rows,
    batches: claims.batches,
    differing: differing.length,
    parts: found.map((part) => ({ ...part, batches: batches.get(part.part) ?? [] })),
    claims: claims.findings,
    withoutReceipt: claims.withoutReceipt,
    notProvable: { rows: claims.unknownRows, removed: claims.unknownRemoved, parts: notProvable },
  };
}

/** By which partitions and batches the rows of these parts came. */
async function batchesOf(
  connection: Connection,
  topics: readonly string[],
  databaseId: string,
  parts: readonly Differing[],
): Promise<ReadonlyMap<string, PartFinding["batches"]>> {
  const found = new Map<string, Map<string, { partition: string; from: number; to: number }>>();
  if (parts.length === 0) return new Map();
  for await (const page of batchClaims(connection, topics, databaseId)) {
    for (const claim of page) {
      const told = [...(believed(claim)?.keys() ?? [])];
      for (const { part } of parts) {
        if (!told.some((name) => name.startsWith(part) || part.startsWith(name))) continue;
        const partition = `${claim.topic}/${claim.partition}`;
        const own = found.get(part) ?? new Map();
        const { from, to } = own.get(partition) ?? { from: claim.firstOffset, to: claim.nextOffset };
        own.set(partition, { partition, from: Math.min(from, claim.firstOffset), to: Math.max(to, claim.nextOffset) });
        found.set(part, own);
      }
    }
  }
  return new Map([...found].map(([part, partitions]) => [part, [...partitions.values()]]));
}
