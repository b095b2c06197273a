import { TradetapeError } from "../../errors.ts";
import type { Connection } from "../connection.ts";
import { lockPartition, nextOffsets } from "../landing/landed.ts";

/** Rows that were taken out of a table, for the ledger. */
interface LedgerRemoval {
  /** The full name of the topic that they came by. */
  readonly topic: string;
  readonly table: string;
  readonly rows: number;
  /** What a person should find beside it. */
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Rows of the big tables don't say which partition of their topic they came by: the first one's ledger stands for all. */
const LEDGER_PARTITION = 0;

/**
 * Notes rows as removed, in the transaction that removes them: table count = sum(written) - sum(removed). It covers no
 * offsets. Takes the lock of the topic's first partition, so it comes last: a landing waits for it.
 * @throws TradetapeError input_invalid when this topic has never landed
 */
export async function removeFromLedger(connection: Connection, removal: LedgerRemoval): Promise<void> {
  const { topic, table, rows, detail } = removal;
  const nextOffset = await lockLedger(connection, topic, table);
  await connection.run(
    `INSERT INTO tradetape.landed_batch (topic, partition, seq, kind, first_offset, next_offset, removed, detail)
     SELECT $1, $2, coalesce(max(seq), 0) + 1, 'removed', $3, $3, $4, $5
     FROM tradetape.landed_batch WHERE topic = $1 AND partition = $2`,
    [topic, LEDGER_PARTITION, nextOffset, rows, JSON.stringify({ table, ...detail })],
  );
}

async function lockLedger(connection: Connection, topic: string, table: string): Promise<number> {
  await requireLedger(connection, topic, table);
  return lockPartition(connection, topic, LEDGER_PARTITION);
}

/** @throws TradetapeError input_invalid when a topic has never landed, so that no ledger of it could note what is removed */
export async function requireLedger(connection: Connection, topic: string, table: string): Promise<void> {
  const landed = await nextOffsets(connection, topic);
  if (landed.has(LEDGER_PARTITION)) return;
  throw new TradetapeError("input_invalid", `${topic} has never landed in this database, and ${table} has rows`, {
    next: "Set TRADETAPE_NAMESPACE to the one whose events landed here.",
  });
}
