import type { Connection } from "../connection.ts";
import { type HashedRows, hashRows } from "../rows/hash-rows.ts";
import { type LandingTable, landedList } from "../rows/landing-table.ts";
import type { RowHasher } from "../rows/row-hasher.ts";
import { literal, quoted } from "../sql.ts";

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

/** Some blocks of a heap, and whose rows are meant. */
interface SessionBlocks {
  readonly heap: string;
  readonly fromBlock: number;
  readonly untilBlock: number;
  readonly session: string;
}

/** Deletes the same rows as `deleteSessionBlocks`, of a table whose rows are hashed. @returns the sums of what is gone */
export async function deleteHashedBlocks(
  connection: Connection,
  { heap, fromBlock, untilBlock, session }: SessionBlocks,
  landing: LandingTable,
  hasher: RowHasher,
): Promise<HashedRows> {
  return hashRows(
    connection,
    `DELETE FROM ONLY ${heap} WHERE ctid >= '(${fromBlock},0)' AND ctid < '(${untilBlock},0)'
       AND backtest_session_id = ${literal(session)} RETURNING ${landedList(landing)}`,
    hasher,
  );
}

/**
 * Deletes a session's rows from some blocks. By blocks, because the big tables have no index by session (it would cost
 * landing more than a deletion ever saves): every part is read once, however many there are.
 * @returns how many rows
 */
export function deleteSessionBlocks(
  connection: Connection,
  { heap, fromBlock, untilBlock, session }: SessionBlocks,
): Promise<number> {
  return connection.run(
    `DELETE FROM ONLY ${heap} WHERE ctid >= $1::tid AND ctid < $2::tid AND backtest_session_id = $3`,
    [`(${fromBlock},0)`, `(${untilBlock},0)`, session],
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
