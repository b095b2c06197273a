import type { Connection } from "../connection.ts";
import { DEED, type StoredDeed } from "../landing/outbox.ts";

/** A deed whose entry nobody owes any more: it is in the audit topic, or in the log. */
interface ToldDeed extends Record<string, unknown> {
  readonly deedId: number;
  readonly deed: StoredDeed;
  /** What the database was called when the entry was published. */
  readonly databaseIds: readonly string[];
  /** The full name of the audit topic that has the entry. */
  readonly auditTopic: string;
}

export const toldDeeds = (connection: Connection): Promise<ToldDeed[]> =>
  connection.query<ToldDeed>(
    `SELECT d.deed_id AS "deedId", ${DEED} AS deed, array_prepend(i.database_id, i.former_ids)::text[] AS "databaseIds",
       regexp_replace(d.topic, '[^.]*$', 'audit') AS "auditTopic"
     FROM tradetape.deed d CROSS JOIN tradetape.database_id i
     WHERE NOT coalesce((d.facts ->> 'before_deeds')::boolean, false)
       AND NOT EXISTS (SELECT FROM tradetape.outbox o WHERE o.deed_id = d.deed_id) ORDER BY 1`,
  );

/** The log's entries but for some. */
interface OtherEntries extends Record<string, unknown> {
  /** Up to a number, and behind it. */
  readonly upTo: number;
  readonly behind: number;
  /** Of those behind it, the first few. */
  readonly first: readonly string[];
}

/** The log's entries that have none of these numbers. */
export async function entriesBut(connection: Connection, seqs: readonly number[], upTo: number): Promise<OtherEntries> {
  const [row] = await connection.query<OtherEntries>(
    `SELECT count(*) FILTER (WHERE seq <= $2) AS "upTo", count(*) FILTER (WHERE seq > $2) AS behind,
       coalesce((array_agg(format('%s (%s)', seq, log_id) ORDER BY a.seq) FILTER (WHERE seq > $2))[:5], '{}') AS first
     FROM public.audit_log a WHERE NOT EXISTS (SELECT FROM unnest($1::bigint[]) AS s (n) WHERE s.n = a.seq)`,
    [seqs, upTo],
  );
  return row!;
}
