import type { Connection } from "./connection.ts";

/** Rows that were taken out of a table, for the ledger. */
export interface Removal {
  /** Whose ledger says so: a partition that has landed here, and that this transaction holds the lock of. */
  readonly topic: string;
  readonly partition: number;
  readonly nextOffset: number;
  readonly table: string;
  readonly rows: number;
  /** What a person should find beside it. */
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Notes rows as removed: table count = sum(written) - sum(removed). It covers no offsets. */
export async function insertRemoved(connection: Connection, removal: Removal): Promise<void> {
  const { topic, partition, nextOffset, table, rows, detail } = removal;
  await connection.run(
    `INSERT INTO tradetape.landed_batch (topic, partition, seq, kind, first_offset, next_offset, removed, detail)
     SELECT $1, $2, coalesce(max(seq), 0) + 1, 'removed', $3, $3, $4, $5
     FROM tradetape.landed_batch WHERE topic = $1 AND partition = $2`,
    [topic, partition, nextOffset, rows, JSON.stringify({ table, ...detail })],
  );
}
