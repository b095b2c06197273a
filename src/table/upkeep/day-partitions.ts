import type { Connection } from "../connection.ts";
import { type HashedRows, hashRows } from "../rows/hash-rows.ts";
import { type LandingTable, landedList } from "../rows/landing-table.ts";
import type { RowHasher } from "../rows/row-hasher.ts";
import { quoted } from "../sql.ts";

/** A day's partition of a table, or what is left of one. */
export interface DayPartition {
  /** UTC, as 2024-03-05. */
  readonly day: string;
  /** `detaching` and `detached`: somebody began to drop it and didn't come to the end. */
  readonly state: "attached" | "detaching" | "detached";
  /** The server's estimate; null before it has looked at it. */
  readonly rowsAbout: number | null;
  /** With its indexes. */
  readonly bytes: number;
}

export function listDays(connection: Connection, table: string): Promise<DayPartition[]> {
  return connection.query<DayPartition & Record<string, unknown>>(
    `SELECT to_char(to_date(right(c.relname, 8), 'YYYYMMDD'), 'YYYY-MM-DD') AS day,
       CASE WHEN i.inhrelid IS NULL THEN 'detached' WHEN i.inhdetachpending THEN 'detaching' ELSE 'attached' END AS state,
       CASE WHEN c.reltuples >= 0 THEN c.reltuples::bigint END AS "rowsAbout", pg_total_relation_size(c.oid) AS bytes
     FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_inherits i
       ON i.inhrelid = c.oid AND i.inhparent = format('public.%I', $1::text)::regclass
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
       AND left(c.relname, -9) = $1 AND right(c.relname, 9) ~ '^_[0-9]{8}$'
     ORDER BY 1`,
    [table],
  );
}

/** The first day of a table that is kept, as 2024-03-05; undefined as long as every day is. */
export async function keptFrom(connection: Connection, table: string): Promise<string | undefined> {
  const [row] = await connection.query<{ day: string | null }>(
    "SELECT keep_from::text AS day FROM tradetape.day_table WHERE table_name = $1",
    [table],
  );
  return row?.day ?? undefined;
}

/** Rows of the days before one. In a session whose time zone is UTC. @param column by whose day the table is partitioned */
export async function countBefore(connection: Connection, table: string, column: string, day: string): Promise<number> {
  const [row] = await connection.query<{ rows: number }>(
    `SELECT count(*) AS rows FROM public.${quoted(table)} WHERE ${quoted(column)} < $1::timestamptz`,
    [day],
  );
  return row!.rows;
}

/**
 * Moves a table's first day that is kept, never back. Waits for whoever is making a partition of the table, so that none
 * of an earlier day can come after this has committed.
 * @returns the day that holds
 */
export async function moveKeepFrom(connection: Connection, table: string, day: string, by: string): Promise<string> {
  const [row] = await connection.query<{ day: string }>(
    `UPDATE tradetape.day_table SET keep_from = greatest(keep_from, $2::date),
       moved_at = CASE WHEN $2::date <= keep_from THEN moved_at ELSE now() END,
       moved_by = CASE WHEN $2::date <= keep_from THEN moved_by ELSE $3 END
     WHERE table_name = $1 RETURNING keep_from::text AS day`,
    [table, day, by],
  );
  return row!.day;
}

/**
 * Takes a day out of its table. CONCURRENTLY, because a plain DETACH waits behind every landing and makes all later
 * ones wait behind itself; so it is two transactions of the server's, and can be left half done: FINALIZE then.
 */
export async function detachDay(connection: Connection, table: string, { day, state }: DayPartition): Promise<void> {
  if (state === "detached") return;
  const how = state === "detaching" ? "FINALIZE" : "CONCURRENTLY";
  await connection.query(`ALTER TABLE public.${quoted(table)} DETACH PARTITION ${leaf(table, day)} ${how}`);
}

/** Counts and hashes the rows of a day that is detached: nothing can be added to it any more. */
export const hashDay = (
  connection: Connection,
  landing: LandingTable,
  day: string,
  hasher: RowHasher,
): Promise<HashedRows> =>
  hashRows(connection, `SELECT ${landedList(landing)} FROM ${leaf(landing.table, day)}`, hasher);

/** Counts the rows of such a day. */
export async function countDay(connection: Connection, table: string, day: string): Promise<number> {
  const [row] = await connection.query<{ rows: number }>(`SELECT count(*) AS rows FROM ${leaf(table, day)}`);
  return row!.rows;
}

/** Whether such a day, or one that is attached, has rows. */
export async function hasRows(connection: Connection, table: string, day: string): Promise<boolean> {
  const [row] = await connection.query<{ has: boolean }>(`SELECT EXISTS (SELECT FROM ${leaf(table, day)}) AS has`);
  return row!.has;
}

export async function dropDay(connection: Connection, table: string, day: string): Promise<void> {
  await connection.query(`DROP TABLE ${leaf(table, day)}`);
}

function leaf(table: string, day: string): string {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(day)) throw new Error(`${day} is no day`);
  return `public.${quoted(`${table}_${day.replaceAll("-", "")}`)}`;
}

/** The full names of a topic under which this database has landed it: one per namespace. */
export async function landedNames(connection: Connection, topic: string): Promise<readonly string[]> {
  const rows = await connection.query<{ name: string }>(
    `SELECT DISTINCT topic AS name FROM tradetape.landed_offset
     WHERE topic = $1 OR right(topic, length($1) + 1) = '.' || $1 ORDER BY 1`,
    [topic],
  );
  return rows.map(({ name }) => name);
}
