import { type Consumer, hasherOf } from "../batch/consumer.ts";
import { TradetapeError } from "../errors.ts";
import { type BatchClaim, batchClaims, removalClaims, strayReceipts, tableSums } from "../table/checks/row-claims.ts";
import type { Connection } from "../table/connection.ts";
import { databaseId as databaseIdOf } from "../table/landing/landed.ts";
import { landedNames } from "../table/upkeep/day-partitions.ts";
import type { OffsetRange } from "../topic/read-ranges.ts";
import {
  believed,
  type ClaimFinding,
  Claims,
  type ContradictingReceipt,
  type Differing,
  LISTED_MAX,
} from "./rows/claims.ts";
import type { EventLog } from "./rows/event-log.ts";
import { nameRows } from "./rows/named-rows.ts";
import type { NamedRows, Unnamed } from "./rows/row-comparison.ts";

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
  /** The rows of the listed parts; null where no part differs, and a sentence where the log couldn't be read. */
  readonly named: NamedRows | { readonly notRead: string } | null;
  readonly claims: readonly ClaimFinding[];
  /**
   * Receipts of what this database landed and lost, in a failover or to an older backup, and landed anew. Where it never was
   * set back, somebody else wrote them.
   */
  readonly toldAgain: number;
  /** Of those, the ones that tell of other rows than the ledger: only a database that was set back may have any. */
  readonly contradicting: number;
  /** The first of them. */
  readonly contradictions: readonly ContradictingReceipt[];
  /** Batches whose receipts haven't come, as a replay makes none: the ledger alone tells of their rows. */
  readonly withoutReceipt: { readonly batches: number; readonly rows: number };
  /**
   * What can't be proven: rows that landed, or were removed, before there were sums, and the parts of time in which the table
   * has such rows.
   */
  readonly notProvable: { readonly rows: number; readonly removed: number; readonly parts: readonly string[] };
}

/**
 * Holds a table of market data against the sums that its batches' receipts tell, and names the rows that differ by what the log
 * still holds. To be called in a snapshot.
 * @param onRows called now and then with how much has been compared; `place` is the table, or the log of it
 */
export async function compareSums(
  connection: Connection,
  consumer: Consumer,
  eventLog: EventLog,
  onRows: (place: string, done: number, total: number) => void,
): Promise<SumsReport> {
  const databaseId = await databaseIdOf(connection);
  const { landing, topic } = consumer;
  const topics = await landedNames(connection, topic);
  const claims = new Claims();
  for await (const page of batchClaims(connection, topics, databaseId)) for (const claim of page) claims.take(claim);
  for (const removal of await removalClaims(connection, landing, databaseId)) claims.remove(removal);
  for (const { logId, topic, partition, firstOffset, isExplained } of await strayReceipts(
    connection,
    topics,
    databaseId,
  )) {
    if (isExplained) claims.toldAgain++;
    else
      claims.note(
        `${topic}/${partition}`,
        logId,
        `a receipt of the batch at offset ${firstOffset}, which the ledger doesn't have`,
      );
  }
  const total = claims.rows + claims.unknownRows;
  const { sums, rows } = await tableSums(connection, landing, hasherOf(consumer)!, (done) =>
    onRows(landing.table, done, total),
  );
  onRows(landing.table, rows, rows);
  const { differing, notProvable, partOf } = claims.compare(sums.sums());
  const found = differing.slice(0, LISTED_MAX);
  const { batches, ranges, cut } = await batchesOf(connection, topics, databaseId, found);
  const unnamed = { consumer, parts: found, partOf, ranges, cut };
  return {
    table: landing.table,
    rows,
    landed: claims.rows,
    batches: claims.batches,
    differing: differing.length,
    parts: found.map(({ hash: _, ...part }) => ({ ...part, batches: batches.get(part.part) ?? [] })),
    named: found.length === 0 ? null : await namedOrWhyNot(connection, eventLog, unnamed, onRows),
    claims: claims.findings,
    toldAgain: claims.toldAgain,
    contradicting: claims.contradicting,
    contradictions: claims.contradictions,
    withoutReceipt: claims.withoutReceipt,
    notProvable: { rows: claims.unknownRows, removed: claims.unknownRemoved, parts: notProvable },
  };
}

/** A log that can't be read takes nothing from what the sums have found. */
async function namedOrWhyNot(
  connection: Connection,
  eventLog: EventLog,
  unnamed: Unnamed,
  onRows: (place: string, done: number, total: number) => void,
): Promise<NonNullable<SumsReport["named"]>> {
  const place = `${unnamed.consumer.landing.table} in the log`;
  try {
    return await nameRows(connection, eventLog, unnamed, (done, total) => onRows(place, done, total));
  } catch (error) {
    if (error instanceof TradetapeError) return { notRead: error.message };
    throw error;
  }
}

interface Batches {
  readonly batches: ReadonlyMap<string, PartFinding["batches"]>;
  readonly ranges: ReadonlyMap<string, OffsetRange[]>;
  readonly cut: Unnamed["cut"];
}

/** By which partitions and batches the rows of these parts came. */
async function batchesOf(
  connection: Connection,
  topics: readonly string[],
  databaseId: string,
  parts: readonly Differing[],
): Promise<Batches> {
  const found = new Map<string, Map<string, { partition: string; from: number; to: number }>>();
  const ranges = new Map<string, OffsetRange[]>();
  const cut: Unnamed["cut"][number][] = [];
  if (parts.length === 0) return { batches: new Map(), ranges, cut };
  for await (const page of batchClaims(connection, topics, databaseId)) {
    for (const claim of page) {
      const sums = believed(claim);
      const told = [...(sums?.keys() ?? [])];
      const own = parts.filter(({ part }) => told.some((name) => name.startsWith(part) || part.startsWith(name)));
      for (const { part } of own) widen(found, part, claim);
      // Of a batch without sums nobody knows which rows it brought.
      if (own.length === 0 && sums !== undefined) continue;
      const { topic, partition, firstOffset: from, nextOffset: to, isCut } = claim;
      if (isCut) {
        cut.push({ partition: `${topic}/${partition}`, from, to });
        continue;
      }
      const known = ranges.get(topic);
      if (known === undefined) ranges.set(topic, [{ partition, from, to }]);
      else known.push({ partition, from, to });
    }
  }
  const batches = new Map([...found].map(([part, partitions]) => [part, [...partitions.values()]]));
  return { batches, ranges: new Map([...ranges].map(([topic, own]) => [topic, joined(own)])), cut };
}

/** In the order of their offsets, and those that follow one another as one. */
function joined(ranges: readonly OffsetRange[]): OffsetRange[] {
  const all: OffsetRange[] = [];
  for (const range of ranges.toSorted((a, b) => a.partition - b.partition || a.from - b.from)) {
    const last = all.at(-1);
    if (last?.partition === range.partition && last.to === range.from) all[all.length - 1] = { ...last, to: range.to };
    else all.push(range);
  }
  return all;
}

function widen(found: Map<string, Map<string, PartFinding["batches"][number]>>, part: string, claim: BatchClaim): void {
  const partition = `${claim.topic}/${claim.partition}`;
  const own = found.get(part) ?? new Map();
  const { from, to } = own.get(partition) ?? { from: claim.firstOffset, to: claim.nextOffset };
  own.set(partition, { partition, from: Math.min(from, claim.firstOffset), to: Math.max(to, claim.nextOffset) });
  found.set(part, own);
}
