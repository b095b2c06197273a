import type { Connection } from "../connection.ts";
import { processTag } from "../connection.ts";

/** A session that holds what another waits for. */
export interface Blocker {
  readonly pid: number;
  readonly name: string;
  /** When its transaction began, as text: the same session in another transaction is another matter. */
  readonly transaction: string;
}

/**
 * Who keeps the session `waitingPid` waiting at this moment, of this pipeline's other processes only: never a person's
 * session, never one of our own. Also behind others who wait: of those who queue for a row, only the first waits for
 * its owner, and a person's session there would hide the owner for ever.
 */
export function blockersOf(connection: Connection, waitingPid: number): Promise<Blocker[]> {
  return connection.query<Blocker & Record<string, unknown>>(
    `WITH RECURSIVE blocking (pid) AS (
       SELECT unnest(pg_blocking_pids($1)) UNION SELECT unnest(pg_blocking_pids(pid)) FROM blocking
     )
     SELECT pid, application_name AS name, xact_start::text AS transaction FROM pg_stat_activity
     WHERE pid IN (SELECT pid FROM blocking) AND usename = session_user AND application_name LIKE 'tradetape/%'
       AND application_name NOT LIKE $2 AND xact_start IS NOT NULL`,
    [waitingPid, `tradetape/${processTag} %`],
  );
}

/**
 * Ends the sessions that still are in the same transaction. The list is materialized before anything is ended: in one
 * query with the join, the planner may call pg_terminate_backend for every session there is, and join afterwards.
 * @returns those that were ended
 */
export async function evict(connection: Connection, blockers: readonly Blocker[]): Promise<Blocker[]> {
  return connection.query<Blocker & Record<string, unknown>>(
    `WITH doomed AS MATERIALIZED (
       SELECT a.pid, a.application_name AS name, b.transaction FROM unnest($1::int[], $2::text[]) AS b (pid, transaction)
       JOIN pg_stat_activity a ON a.pid = b.pid AND a.xact_start::text = b.transaction
     )
     SELECT pid, name, transaction FROM doomed WHERE pg_terminate_backend(pid)`,
    [blockers.map((b) => b.pid), blockers.map((b) => b.transaction)],
  );
}
