import { deedId } from "../audit/log-id.ts";
import { encodeEvent } from "../event/codec.ts";
import type { AuditEvent } from "../event/events.ts";
import type { Lost } from "../table/drift.ts";
import { insertOutbox } from "../table/landing/outbox.ts";
import type { LetterFilter } from "../table/letters/dead-letters.ts";
import type { SumsText } from "../table/rows/row-sums.ts";
import type { Ops } from "./ops.ts";

/** One thing that an operator did in one transaction, as its audit entry says it. */
interface Deed {
  readonly kind: string;
  /** One per command: the trail's entries of one command belong together. */
  readonly actionId: string;
  /** Differs between the deeds of one command. */
  readonly key: readonly string[];
  /** The full name of the topic that this was about: its group publishes the entry. */
  readonly topic: string;
  readonly partition?: number;
  readonly offset?: number;
  readonly session?: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** One page of letters of one partition that somebody acted on. */
interface ActedPage {
  readonly kind: "REDRIVE" | "DISCARD";
  readonly actionId: string;
  readonly filter: LetterFilter;
  readonly topic: string;
  readonly partition: number;
  /** 0 of the log as it is; else the rewind that found these letters' events gone from it. */
  readonly rewind: number;
  readonly letters: readonly { readonly offset: number; readonly reason: string }[];
  /** Why they were discarded. */
  readonly note?: string;
}

/** Called in the transaction that changes the letters' state. */
export const recordLetters = (ops: Ops, page: ActedPage): Promise<void> => record(ops, lettersDeed(page));

export function lettersDeed({ kind, actionId, filter, topic, partition, rewind, letters, note }: ActedPage): Deed {
  const offsets = letters.map(({ offset }) => offset);
  const reasons: Record<string, number> = {};
  for (const { reason } of letters) reasons[reason] = (reasons[reason] ?? 0) + 1;
  const offset = offsets[0]!;
  const facts = { filter, letters: letters.length, reasons, offsets, note, ...(rewind > 0 && { rewind }) };
  const key = [topic, String(partition), String(offset), ...(rewind > 0 ? [String(rewind)] : [])];
  return { kind, actionId, key, topic, partition, offset, facts };
}

/** Offsets of one partition whose events may become letters, or may no longer. */
interface SetAside {
  readonly actionId: string;
  readonly topic: string;
  readonly partition: number;
  readonly fromOffset: number;
  readonly nextOffset: number;
  readonly isEnded: boolean;
  readonly note: string;
}

/** Called in the transaction that allows them, or takes that back. */
export const recordSetAside = (ops: Ops, range: SetAside): Promise<void> => record(ops, setAsideDeed(range));

export function setAsideDeed({ actionId, topic, partition, fromOffset, nextOffset, isEnded, note }: SetAside): Deed {
  const facts = { from_offset: fromOffset, next_offset: nextOffset, ended: isEnded, note };
  const key = [topic, String(partition), String(fromOffset)];
  return { kind: "SET_ASIDE", actionId, key, topic, partition, offset: fromOffset, facts };
}

/** A schema whose events may become letters from now on, or may no longer. */
interface SkippedSchema {
  readonly actionId: string;
  readonly topic: string;
  readonly schemaId: number;
  readonly isEnded: boolean;
  /** Whether it was said that every writer is meant. */
  readonly everyWriter?: boolean;
  readonly note: string;
}

/** Called in the transaction that allows them, or takes that back. */
export const recordSkippedSchema = (ops: Ops, skipped: SkippedSchema): Promise<void> =>
  record(ops, skippedSchemaDeed(skipped));

export function skippedSchemaDeed({ actionId, topic, schemaId, isEnded, everyWriter, note }: SkippedSchema): Deed {
  const facts = { schema_id: schemaId, ended: isEnded, every_writer: everyWriter, note };
  return { kind: "SKIP_SCHEMA", actionId, key: [topic, String(schemaId)], topic, facts };
}

/** A partition whose landing went back, as its audit entry says it. */
interface RewoundLog {
  readonly actionId: string;
  readonly topic: string;
  readonly partition: number;
  /** What would have landed next, and what lands next now. */
  readonly from: number;
  readonly to: number;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** Called in the transaction that goes back. */
export const recordRewound = (ops: Ops, rewound: RewoundLog): Promise<void> => record(ops, rewoundDeed(rewound));

export function rewoundDeed({ actionId, topic, partition, from, to, facts }: RewoundLog): Deed {
  const key = [topic, String(partition), String(from), String(to)];
  const place = { topic, partition, offset: from };
  return { kind: "LOG_REWOUND", actionId, key, ...place, facts: { from_offset: from, to_offset: to, ...facts } };
}

/** One day that was dropped, as its audit entry says it. */
interface DayDrop {
  readonly actionId: string;
  readonly topic: string;
  readonly table: string;
  readonly day: string;
  readonly rows: number;
  readonly rowSums: SumsText | undefined;
  /** The first day that is kept. */
  readonly keepFrom: string;
}

/** Called in the transaction that drops. */
export function recordDroppedDay(ops: Ops, dropped: DayDrop): Promise<void> {
  const { actionId, topic, table, day, rows, rowSums, keepFrom } = dropped;
  const facts = { table, day, rows, row_sums: rowSums, keep_from: keepFrom };
  return record(ops, { kind: "PARTITION_DROP", actionId, key: [table, day], topic, facts });
}

/** What one transaction took of a session. */
interface RemovedBlocks {
  readonly actionId: string;
  readonly session: string;
  readonly topic: string;
  readonly table: string;
  /** The table or its partition, and the first block that was taken of it. */
  readonly heap: string;
  readonly fromBlock: number;
  readonly rows: number;
  /** Of a table whose batches' receipts tell of their rows by sums. */
  readonly rowSums: SumsText | undefined;
}

/** Called in the transaction that removes. */
export function recordRemovedBlocks(ops: Ops, removed: RemovedBlocks): Promise<void> {
  const { actionId, session, topic, table, heap, fromBlock, rows, rowSums } = removed;
  const facts = { session, table, heap, from_block: fromBlock, rows, row_sums: rowSums };
  return record(ops, { kind: "SESSION_DELETE", actionId, key: [heap, String(fromBlock)], topic, session, facts });
}

/** What one transaction gave back of what the migrations establish. */
interface GivenBack {
  readonly actionId: string;
  /** Counts the transactions of one command. */
  readonly round: number;
  /** The full name of a topic whose group publishes the entry: what was given back is of no topic. */
  readonly topic: string;
  readonly given: readonly Lost[];
}

/** Called in the transaction that gives them back. */
export const recordRepair = (ops: Ops, repaired: GivenBack): Promise<void> => record(ops, repairDeed(repaired));

export function repairDeed({ actionId, round, topic, given }: GivenBack): Deed {
  const says = given.filter(({ what }) => what !== "comment").map((one) => one.says);
  const facts = { round, lost: says, comments: given.length - says.length };
  return { kind: "REPAIR", actionId, key: [String(round)], topic, facts };
}

/**
 * Puts a deed's audit entry into the outbox, in the transaction of the deed: neither is ever there without the other.
 * The group of the deed's topic publishes the entry.
 */
function record(ops: Ops, deed: Deed): Promise<void> {
  const value = encodeEvent("audit", ops.auditSchemaId, deedEntry(ops, deed, Date.now()));
  const message = { topic: ops.auditTopicName, key: null, value, headers: {} };
  return insertOutbox(ops.connection, deed.topic, [{ partition: deed.partition ?? 0, message }]);
}

export function deedEntry(
  { databaseId, databaseUser, actor }: Pick<Ops, "databaseId" | "databaseUser" | "actor">,
  { kind, actionId, key, topic, partition, offset, session, facts }: Deed,
  nowMs: number,
): AuditEvent {
  const identity = { action_id: actionId, database_id: databaseId, database_user: databaseUser };
  return {
    log_id: deedId(kind, databaseId, actionId, key),
    timestamp: nowMs * 1000,
    event_type: kind,
    actor,
    payload: JSON.stringify({ ...identity, ...facts }),
    success: true,
    correlation_id: actionId,
    source_topic: topic,
    source_partition: partition ?? null,
    source_offset: offset ?? null,
    backtest_session_id: session ?? null,
  };
}
