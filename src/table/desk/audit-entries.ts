import type { Connection } from "../connection.ts";
import { isoOf } from "../sql.ts";

/** An entry of the audit log as a person reads it. */
interface AuditEntry {
  readonly seq: number;
  readonly id: string;
  /** ISO 8601. */
  readonly at: string;
  readonly type: string;
  readonly actor: string;
  readonly success: boolean;
  readonly correlation: string | null;
  readonly signedBy: string | null;
  /** JSON text, the beginning of it. */
  readonly payload: string;
}

/** What is looked for; null is all. */
interface AuditSearch {
  readonly id: string | null;
  readonly type: string | null;
  readonly correlation: string | null;
  /** Entries with smaller numbers only. */
  readonly before: number | null;
  readonly most: number;
}

const PAYLOAD_CHARS_MAX = 2000;

/** The newest first. */
export function findEntries(connection: Connection, { id, type, correlation, before, most }: AuditSearch) {
  return connection.query<AuditEntry & Record<string, unknown>>(
    `SELECT seq, log_id AS id, ${isoOf('"timestamp"')} AS at, event_type AS type, actor, success, correlation_id AS correlation,
       signed_by AS "signedBy", left(payload::text, ${PAYLOAD_CHARS_MAX}) AS payload
     FROM public.audit_log WHERE ($1::uuid IS NULL OR log_id = $1) AND ($2::text IS NULL OR event_type = $2)
       AND ($3::text IS NULL OR correlation_id = $3) AND ($4::bigint IS NULL OR seq < $4)
     ORDER BY audit_log.seq DESC LIMIT $5`,
    [id, type, correlation, before, most],
  );
}

/** The newest entry's number; 0 of an empty log. */
export async function newestEntry(connection: Connection): Promise<number> {
  const [row] = await connection.query<{ seq: number }>("SELECT coalesce(max(seq), 0) AS seq FROM public.audit_log");
  return row!.seq;
}
