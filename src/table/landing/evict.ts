import type { Connection } from "../connection.ts";
import { processTag } from "../login/login.ts";

/** A session that holds what another waits for. */
export interface Blocker {
  readonly pid: number;
  readonly name: string;
  /** When its transaction began, as text: `evict` leaves a session alone that is in another transaction by then. */
  readonly transaction: string;
}

/**
 * The sessions that keep `waitingPid` waiting at this moment, if they are of this pipeline's other processes: never a
 * person's session, never one of this process. The whole queue is followed, because of those that queue for a row only the
 * first waits for the row's owner, and a person's session in front would hide the owner for ever.
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
 * Ends those sessions that are still in the same transaction. The list is MATERIALIZED first, because in one query with
 * the join the planner may call pg_terminate_backend for every session there is, and join afterwards.
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
