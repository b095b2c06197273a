import type { Connection } from "../connection.ts";
import type { Parent } from "../rows/landing-table.ts";
import { quoted } from "../sql.ts";

/** Parked events of one topic that wait for one kind of parent. */
export interface ParkedGroup {
  readonly topic: string;
  /** The column that names the parent; null where all have come and an event only waits for its turn. */
  readonly missing: string | null;
  readonly events: number;
  /** ISO 8601. */
  readonly oldestAt: string;
  readonly oldestSeconds: number;
  /** The oldest: where it is (topic/partition/offset), its own id, and its parent's. */
  readonly example: string;
  readonly eventId: string;
  readonly parentId: string | null;
}

/**
 * What is missing now: a parent that has come since the event was parked isn't counted. An event that waits for two
 * parents is in two groups.
 * @param topics full names
 * @param parents every parent that events of these topics may have
 */
export function listParked(
  connection: Connection,
  topics: readonly string[],
  parents: readonly Parent[],
): Promise<ParkedGroup[]> {
  const byColumn = new Map(parents.map((parent) => [parent.column, parent]));
  const landed = [...byColumn.values()].map(
    ({ column, table, key }) => `WHEN '${column}' THEN EXISTS (SELECT FROM public.${quoted(table)} p
         WHERE p.${quoted(key)} = m.value::uuid)`,
  );
  return connection.query<ParkedGroup & Record<string, unknown>>(
    `SELECT DISTINCT ON (e.topic, m.key) e.topic, m.key AS missing, count(*) OVER w AS events,
       to_char(e.parked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "oldestAt",
       round(extract(epoch FROM clock_timestamp() - e.parked_at))::float8 AS "oldestSeconds",
       format('%s/%s/%s', e.topic, e.partition, e."offset") AS example, e.event_id AS "eventId", m.value AS "parentId"
     FROM tradetape.parked_event e LEFT JOIN LATERAL (
       SELECT * FROM jsonb_each_text(e.missing) AS m WHERE NOT CASE m.key ${landed.join(" ")} ELSE false END) m ON true
     WHERE e.topic = ANY($1::text[]) WINDOW w AS (PARTITION BY e.topic, m.key)
     ORDER BY e.topic, m.key, e.parked_at, e.partition, e."offset"`,
    [topics],
  );
}

/** @param topics full names */
export async function countParkedEvents(connection: Connection, topics: readonly string[]): Promise<number> {
  const [row] = await connection.query<{ events: number }>(
    "SELECT count(*) AS events FROM tradetape.parked_event WHERE topic = ANY($1::text[])",
    [topics],
  );
  return row!.events;
}
