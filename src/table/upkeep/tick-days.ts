import type { Connection } from "../connection.ts";
import { quoted } from "../sql.ts";

/** A day's partition of market_data_tick, or what is left of one. */
export interface TickDay {
  /** UTC, as 2024-03-05. */
  readonly day: string;
  /** `detaching` and `detached`: somebody began to drop it and didn't come to the end. */
  readonly state: "attached" | "detaching" | "detached";
  /** The server's estimate; null before it has looked at it. */
  readonly rowsAbout: number | null;
  /** With its indexes. */
  readonly bytes: number;
}

export function listTickDays(connection: Connection): Promise<TickDay[]> {
  return connection.query<TickDay & Record<string, unknown>>(
    `SELECT to_char(to_date(right(c.relname, 8), 'YYYYMMDD'), 'YYYY-MM-DD') AS day,
       CASE WHEN i.inhrelid IS NULL THEN 'detached' WHEN i.inhdetachpending THEN 'detaching' ELSE 'attached' END AS state,
       CASE WHEN c.reltuples >= 0 THEN c.reltuples::bigint END AS "rowsAbout", pg_total_relation_size(c.oid) AS bytes
     FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_inherits i
       ON i.inhrelid = c.oid AND i.inhparent = 'public.market_data_tick'::regclass
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname ~ '^market_data_tick_[0-9]{8}$'
     ORDER BY 1`,
  );
}

/** The first day that is kept, as 2024-03-05; undefined as long as every day is. */
export async function tickHorizon(connection: Connection): Promise<string | undefined> {
  const [row] = await connection.query<{ day: string }>("SELECT horizon::text AS day FROM tradetape.tick_horizon");
  return row?.day;
}

/** Ticks of the days before one. In a session whose time zone is UTC. */
export async function countTicksBefore(connection: Connection, day: string): Promise<number> {
  const [row] = await connection.query<{ rows: number }>(
    `SELECT count(*) AS rows FROM public.market_data_tick WHERE "timestamp" < $1::timestamptz`,
    [day],
  );
  return row!.rows;
}

/**
 * Moves the horizon to a day, never back. Waits for whoever is making a partition, so that none of a day behind it can
 * come after this has committed.
 * @returns the horizon that holds
 */
export async function moveTickHorizon(connection: Connection, day: string, by: string): Promise<string> {
  await connection.query("SELECT pg_advisory_xact_lock(hashtextextended('tradetape.make_tick_day', 0))");
  const [row] = await connection.query<{ day: string }>(
    `INSERT INTO tradetape.tick_horizon AS t (horizon, moved_by) VALUES ($1::date, $2)
     ON CONFLICT (only_one) DO UPDATE SET horizon = greatest(t.horizon, excluded.horizon),
       moved_at = CASE WHEN excluded.horizon > t.horizon THEN now() ELSE t.moved_at END,
       moved_by = CASE WHEN excluded.horizon > t.horizon THEN excluded.moved_by ELSE t.moved_by END
     RETURNING horizon::text AS day`,
    [day, by],
  );
  return row!.day;
}

/**
 * Takes a day out of market_data_tick. CONCURRENTLY, because a plain DETACH waits behind every landing and makes all
 * later ones wait behind itself; so it is two transactions of the server's, and can be left half done: FINALIZE then.
 */
export async function detachTickDay(connection: Connection, { day, state }: TickDay): Promise<void> {
  if (state === "detached") return;
  const how = state === "detaching" ? "FINALIZE" : "CONCURRENTLY";
  await connection.query(`ALTER TABLE public.market_data_tick DETACH PARTITION ${leaf(day)} ${how}`);
}

/** Exact, of a day that is detached: nothing can be added to it any more. */
export async function countTickDay(connection: Connection, day: string): Promise<number> {
  const [row] = await connection.query<{ rows: number }>(`SELECT count(*) AS rows FROM ${leaf(day)}`);
  return row!.rows;
}

export async function dropTickDay(connection: Connection, day: string): Promise<void> {
  await connection.query(`DROP TABLE ${leaf(day)}`);
}

function leaf(day: string): string {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(day)) throw new Error(`${day} is no day`);
  return `public.${quoted(`market_data_tick_${day.replaceAll("-", "")}`)}`;
}

/** Makes whoever drops days the only one; held until the session ends. */
export async function lockTickDays(connection: Connection): Promise<void> {
  await connection.query("SELECT pg_advisory_lock(hashtextextended('tradetape.tick_days', 0))");
}

/** Ledger topics whose rows lie in market_data_tick: one per namespace. */
export async function tickTopics(connection: Connection): Promise<readonly string[]> {
  const rows = await connection.query<{ topic: string }>(
    String.raw`SELECT DISTINCT topic FROM tradetape.landed_offset WHERE topic ~ '(^|\.)ticks$' ORDER BY 1`,
  );
  return rows.map(({ topic }) => topic);
}
