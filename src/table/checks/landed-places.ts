import type { Connection } from "../connection.ts";
import { LETTER_ID, OWN_ENTRIES } from "./compared-table.ts";

/** How far a partition has landed in one database, and how many of its events wait there. */
export interface LandedPlace {
  readonly topic: string;
  readonly partition: number;
  readonly nextOffset: number;
  readonly origin: number;
  readonly parked: number;
}

/** How many rows rewinds left in a database whose events its logs no longer have, by topic, of topics that were rewound. */
export async function rowsOfCutLogs(connection: Connection): Promise<ReadonlyMap<string, number>> {
  const rows = await connection.query<{ topic: string; rows: number }>(
    `SELECT topic, sum((detail ->> 'rows')::bigint)::bigint AS rows FROM tradetape.landed_batch
     WHERE kind = 'rewound' GROUP BY 1`,
  );
  return new Map(rows.map(({ topic, rows: left }) => [topic, left]));
}

export function landedPlaces(connection: Connection): Promise<LandedPlace[]> {
  return connection.query<LandedPlace & Record<string, unknown>>(
    `SELECT o.topic, o.partition, o.next_offset AS "nextOffset", o.origin, (SELECT count(*) FROM tradetape.parked_event p
       WHERE p.topic = o.topic AND p.partition = o.partition) AS parked
     FROM tradetape.landed_offset o ORDER BY 1, 2`,
  );
}

/** The id by which a database's consumer groups are named. */
export async function databaseIdOf(connection: Connection): Promise<string> {
  const [row] = await connection.query<{ id: string }>("SELECT database_id::text AS id FROM tradetape.database_id");
  return row!.id;
}

/** Audit entries that tell what this database did itself, and all the others. */
export async function countEntries(connection: Connection): Promise<{ own: number; others: number }> {
  const [row] = await connection.query<{ own: number; others: number }>(
    `SELECT count(*) FILTER (WHERE ${OWN_ENTRIES}) AS own, count(*) FILTER (WHERE NOT ${OWN_ENTRIES}) AS others
     FROM public.audit_log`,
  );
  return row!;
}

/** A letter whose fellow another database may not have, and the id of the event in it, where that can be read. */
export interface TimingLetter {
  readonly id: string;
  readonly topic: string;
  readonly reason: string;
  readonly eventId: string | null;
  /** Whether it names a session that was deleted here. */
  readonly ofDeleted: boolean;
  /** Whether the log that had its event was cut. */
  readonly ofCutLog: boolean;
}

/**
 * The letters among these whose reason depends on when things came, not on the event alone, and those of logs that were cut.
 * The event's id stands in clear behind the wire format's header and the length of 36 (0x48 in Avro's zigzag) where it is
 * the schema's first field, as it is in all of ours; where a foreign schema has it elsewhere, the letter is excused by
 * nothing. The session's stands in clear, too, wherever it is, in capitals or not.
 */
export function timingLetters(connection: Connection, letterIds: readonly string[]): Promise<TimingLetter[]> {
  return connection.query<TimingLetter & Record<string, unknown>>(
    `SELECT l.id, l.topic, l.reason, CASE WHEN l.text ~ '^[0-9a-fA-F-]{36}$' THEN lower(l.text) END AS "eventId",
       l."ofDeleted", l."ofCutLog" FROM (
       SELECT ${LETTER_ID} AS id, topic, reason, rewind > 0 AS "ofCutLog",
         CASE WHEN octet_length(value) >= 42 AND get_byte(value, 5) = 72
           THEN encode(substring(value FROM 7 FOR 36), 'escape') END AS text,
         EXISTS (SELECT FROM public.backtest_session s WHERE s.status = 'deleted'
           AND position(s.backtest_session_id::text IN lower(encode(value, 'escape'))) > 0) AS "ofDeleted"
       FROM tradetape.dead_letter) l
     WHERE l.id = ANY($1::text[])
       AND (l."ofDeleted" OR l."ofCutLog"
         OR l.reason IN ('missing_parent', 'unknown_session', 'log_cut', 'conflicting_duplicate'))`,
    [letterIds],
  );
}
