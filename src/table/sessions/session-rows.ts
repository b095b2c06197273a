import type { Connection } from "../connection.ts";
import { quoted } from "../sql.ts";

/** Where rows lie: a table, or one of its partitions. */
interface Heap {
  /** Quoted, with its schema. */
  readonly name: string;
  readonly blocks: number;
}

/** The table itself, or the partitions at its end. */
export function listHeaps(connection: Connection, table: string): Promise<Heap[]> {
  return connection.query<Heap & Record<string, unknown>>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name,
       ceil(pg_relation_size(c.oid) / current_setting('block_size')::numeric)::bigint AS blocks
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = 'r' AND (c.oid = $1::regclass
       OR c.oid IN (SELECT relid FROM pg_catalog.pg_partition_tree($1::regclass) WHERE isleaf))
     ORDER BY 1`,
    [`public.${quoted(table)}`],
  );
}

/**
 * Deletes a session's rows from some blocks. By blocks, because the big tables have no index by session (it would cost
 * landing more than a deletion ever saves): every part is read once, however many there are.
 * @returns how many rows
 */
export function deleteSessionBlocks(
  connection: Connection,
  part: { readonly heap: string; readonly fromBlock: number; readonly untilBlock: number; readonly session: string },
): Promise<number> {
  return connection.run(
    `DELETE FROM ONLY ${part.heap} WHERE ctid >= $1::tid AND ctid < $2::tid AND backtest_session_id = $3`,
    [`(${part.fromBlock},0)`, `(${part.untilBlock},0)`, part.session],
  );
}

/** How many rows of a session each of these tables has. Reads the big ones whole. */
export async function countSessionRows(
  connection: Connection,
  tables: readonly string[],
  session: string,
): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {};
  for (const table of tables) {
    const [row] = await connection.query<{ rows: number }>(
      `SELECT count(*) AS rows FROM public.${quoted(table)} WHERE backtest_session_id = $1`,
      [session],
    );
    counts[table] = row!.rows;
  }
  return counts;
}
