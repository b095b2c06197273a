import pg from "pg";
import type { Connection } from "../connection.ts";

/** An index, and the statement that makes it again. */
export interface IndexStatement {
  readonly name: string;
  readonly table: string;
  readonly statement: string;
}

/**
 * The indexes of these tables that land nothing and guard nothing: not unique, and no BRIN, which costs next to
 * nothing to keep. The landing looks up by the unique ones.
 */
export function secondaryIndexes(connection: Connection, tables: readonly string[]): Promise<IndexStatement[]> {
  return connection.query<IndexStatement & Record<string, unknown>>(
    `SELECT c.relname AS name, t.relname AS "table", pg_get_indexdef(i.indexrelid) AS statement
     FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
       JOIN pg_am m ON m.oid = c.relam
     WHERE t.relnamespace = 'public'::regnamespace AND c.relkind = 'i' AND m.amname = 'btree' AND NOT i.indisunique
       AND NOT c.relispartition AND t.relname = ANY($1::text[])
     ORDER BY t.relname, c.relname`,
    [tables],
  );
}

export async function dropIndexes(connection: Connection, indexes: readonly IndexStatement[]): Promise<void> {
  for (const { name } of indexes) await connection.query(`DROP INDEX public.${pg.escapeIdentifier(name)}`);
}

/** What a sort may take before it goes to disk: the indexes of some million small rows are built in memory. */
const SORT_MEMORY = "256MB";

/** Makes one index, unless it is there: a run that was cut off has made some of them. */
export async function buildIndex(connection: Connection, index: IndexStatement): Promise<void> {
  const [found] = await connection.query<{ there: boolean }>("SELECT to_regclass($1) IS NOT NULL AS there", [
    `public.${pg.escapeIdentifier(index.name)}`,
  ]);
  if (found!.there) return;
  await connection.query(`SET maintenance_work_mem = '${SORT_MEMORY}'`);
  await connection.query(index.statement);
}

/** How far PostgreSQL is with an index, by its own progress view; undefined between two. */
export interface IndexProgress {
  readonly phase: string;
  /** Blocks of the table while it is read, rows while they are sorted in. */
  readonly done: number;
  readonly total: number;
}

export async function indexProgress(connection: Connection, pid: number): Promise<IndexProgress | undefined> {
  const [row] = await connection.query<IndexProgress & Record<string, unknown>>(
    `SELECT phase, CASE WHEN tuples_total > 0 THEN tuples_done ELSE blocks_done END AS done,
       CASE WHEN tuples_total > 0 THEN tuples_total ELSE blocks_total END AS total
     FROM pg_stat_progress_create_index WHERE pid = $1`,
    [pid],
  );
  return row;
}

/** Statistics for the planner, which a table that was filled a moment ago has none of. */
export async function analyze(connection: Connection, tables: readonly string[]): Promise<void> {
  for (const table of tables) await connection.query(`ANALYZE public.${pg.escapeIdentifier(table)}`);
}
