import { deedEntry, type Deed as ToldDeed } from "../audit/deed-entry.ts";
import { encodeEvent } from "../event/codec.ts";
import type { Lost } from "../table/drift.ts";
import { insertOutbox } from "../table/landing/outbox.ts";
import type { SumsText } from "../table/rows/row-sums.ts";
import type { Ops } from "./ops.ts";

/** What the owner did in one transaction. What operators do to letters, the database tells by itself (0037_deeds.sql). */
interface Deed {
  readonly kind: string;
  /** One per command: the trail's entries of one command belong together. */
  readonly actionId: string;
  /** The full name of the topic that this was about: its group publishes the entry. */
  readonly topic: string;
  readonly partition?: number;
  readonly offset?: number;
  readonly session?: string;
  readonly facts: Readonly<Record<string, unknown>>;
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
  const place = { topic, partition, offset: from };
  return { kind: "LOG_REWOUND", actionId, ...place, facts: { from_offset: from, to_offset: to, ...facts } };
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
  return record(ops, { kind: "PARTITION_DROP", actionId, topic, facts });
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
  return record(ops, { kind: "SESSION_DELETE", actionId, topic, session, facts });
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
  return { kind: "REPAIR", actionId, topic, facts };
}

/**
 * Puts a deed's audit entry into the outbox, in the transaction of the deed: neither is ever there without the other.
 * The group of the deed's topic publishes the entry.
 */
function record(ops: Ops, deed: Deed): Promise<void> {
  const value = encodeEvent("audit", ops.auditSchemaId, deedEntry(toldDeed(ops, deed, Date.now())));
  const message = { topic: ops.auditTopicName, key: null, value, headers: {} };
  return insertOutbox(ops.connection, deed.topic, [{ partition: deed.partition ?? 0, message }]);
}

export const toldDeed = (
  { databaseId, login, osUser }: Pick<Ops, "databaseId" | "login" | "osUser">,
  { partition, offset, session, ...deed }: Deed,
  nowMs: number,
): ToldDeed => ({
  ...deed,
  ...{ databaseId, login, osUser, doneUs: nowMs * 1000 },
  partition: partition ?? null,
  offset: offset ?? null,
  session: session ?? null,
});
