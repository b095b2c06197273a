import type { Connection } from "./connection.ts";

/** A process whose last beat is older has ended, or can't reach the database. */
export const SILENT_MS = 10_000;

/** What the database answers to a beat. Times are its own clock's, in milliseconds since 1970. */
export interface BeatAnswer {
  /** The id that the database has now: another one than before, once it was said to be a copy. */
  readonly databaseId: string;
  readonly atMs: number;
  /** A standby that is promoted begins a new one, and so does a recovery up to some moment. */
  readonly timeline: string;
  /** Since when processes have landed here without a pause: it stays while the oldest of them ends. */
  readonly sinceMs: number;
  readonly settledMs: number;
  /** Whether another database was found under this id, and nobody has answered yet. */
  readonly hasTwin: boolean;
  /** Of the processes that were asked about, those that this database knows, each with its last beat. */
  readonly known: Readonly<Record<string, number>>;
  /**
   * Those of them whose last beat came to this server since it started. A snapshot of the disk has the last beats of those who
   * land in its original, and a standby has them as they come: neither tells that they land here.
   */
  readonly beatHere: readonly string[];
}

/**
 * Counts a beat of a process, and asks for those of others: in one statement that writes, so that it is the primary which
 * answers. It is on the disk when this resolves, whatever the server's synchronous_commit: nobody may hear of a beat that
 * a crash takes back.
 */
export async function beat(
  connection: Connection,
  process: string,
  number: number,
  others: readonly string[],
): Promise<BeatAnswer> {
  const [answer] = await connection.query<BeatAnswer & Record<string, unknown>>(BEAT, [
    process,
    number,
    others,
    SILENT_MS,
  ]);
  return answer!;
}

/** Clocks don't tell it: those of two servers may be apart. */
const IS_HERE = "server_started_at = pg_postmaster_start_time()";

const ms = (time: string): string => `round(extract(epoch FROM ${time}) * 1000)::bigint`;

const BEAT = `
WITH oldest AS (
  SELECT min(landing_since) AS landing_since FROM tradetape.beat
  WHERE beaten_at > now() - make_interval(secs => $4::float8 / 1000) AND ${IS_HERE}
), beaten AS (
  INSERT INTO tradetape.beat AS b (process, number, landing_since, server_started_at)
  SELECT $1, $2, least(now(), landing_since), pg_postmaster_start_time() FROM oldest
  ON CONFLICT (process) DO UPDATE SET number = excluded.number, beaten_at = now(),
    landing_since = least(b.landing_since, excluded.landing_since), server_started_at = excluded.server_started_at
  RETURNING landing_since
), flushed AS MATERIALIZED (
  SELECT set_config('synchronous_commit', 'local', true) WHERE current_setting('synchronous_commit') = 'off'
)
SELECT d.database_id::text AS "databaseId", ${ms("now()")} AS "atMs", left(pg_walfile_name(pg_current_wal_lsn()), 8) AS timeline,
  ${ms("beaten.landing_since")} AS "sinceMs", ${ms("d.settled_at")} AS "settledMs", d.twin_found_at IS NOT NULL AS "hasTwin",
  (SELECT coalesce(jsonb_object_agg(process, number), '{}') FROM tradetape.beat WHERE process = ANY($3::text[])) AS known,
  ARRAY(SELECT process FROM tradetape.beat WHERE process = ANY($3::text[]) AND ${IS_HERE}) AS "beatHere"
FROM tradetape.database_id d, beaten LEFT JOIN flushed ON true`;

/** Forgets processes that ended a month ago. */
export const forgetBeats = (connection: Connection): Promise<number> =>
  connection.run("DELETE FROM tradetape.beat WHERE beaten_at < now() - interval '30 days'");
