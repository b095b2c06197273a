import type { Connection } from "../connection.ts";
import { OWN_ENTRIES } from "./compared-table.ts";

/** How far a partition has landed in one database, and how many of its events wait there. */
export interface LandedPlace {
  readonly topic: string;
  readonly partition: number;
  readonly nextOffset: number;
  readonly origin: number;
  readonly parked: number;
}

export function landedPlaces(connection: Connection): Promise<LandedPlace[]> {
  return connection.query<LandedPlace & Record<string, unknown>>(
    `SELECT o.topic, o.partition, o.next_offset AS "nextOffset", o.origin, (SELECT count(*) FROM tradetape.parked_event p
       WHERE p.topic = o.topic AND p.partition = o.partition) AS parked
     FROM tradetape.landed_offset o ORDER BY 1, 2`,
  );
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
}

/**
 * The letters among these whose reason depends on when things came, not on the event alone. The event's id stands in
 * clear behind the wire format's header and the length of 36 (0x48 in Avro's zigzag) where it is the schema's first
 * field, as it is in all of ours; where a foreign schema has it elsewhere, the letter is excused by nothing. The session's
 * stands in clear, too, wherever it is, in capitals or not.
 */
export function timingLetters(connection: Connection, letterIds: readonly string[]): Promise<TimingLetter[]> {
  return connection.query<TimingLetter & Record<string, unknown>>(
    `SELECT l.id, l.topic, l.reason, CASE WHEN l.text ~ '^[0-9a-fA-F-]{36}$' THEN lower(l.text) END AS "eventId",
       l."ofDeleted" FROM (
       SELECT format('%s/%s/%s', topic, partition, "offset") AS id, topic, reason,
         CASE WHEN octet_length(value) >= 42 AND get_byte(value, 5) = 72
           THEN encode(substring(value FROM 7 FOR 36), 'escape') END AS text,
         EXISTS (SELECT FROM public.backtest_session s WHERE s.status = 'deleted'
           AND position(s.backtest_session_id::text IN lower(encode(value, 'escape'))) > 0) AS "ofDeleted"
       FROM tradetape.dead_letter) l
     WHERE l.id = ANY($1::text[])
       AND (l."ofDeleted" OR l.reason IN ('missing_parent', 'unknown_session', 'conflicting_duplicate'))`,
    [letterIds],
  );
}
