import type pg from "pg";

/**
 * What a session relies on, whatever ALTER DATABASE or ALTER ROLE say: how values are read and written, that a statement sees
 * what others have committed before it, that no time limit but ours ends what we do, and that a query which row security
 * would filter fails, because a filtered count is wrong without a word. Keepalives let the server find a client whose
 * machine is gone within a minute; its locks go with it.
 */
const RELIED_ON: Readonly<Record<string, string>> = {
  TimeZone: "UTC",
  DateStyle: "ISO, MDY",
  IntervalStyle: "postgres",
  timezone_abbreviations: "Default",
  extra_float_digits: "1",
  bytea_output: "hex",
  standard_conforming_strings: "on",
  array_nulls: "on",
  transform_null_equals: "off",
  quote_all_identifiers: "off",
  search_path: "public",
  row_security: "off",
  default_transaction_isolation: "read committed",
  default_transaction_deferrable: "off",
  statement_timeout: "0",
  idle_in_transaction_session_timeout: "0",
  idle_session_timeout: "0",
  // Since PostgreSQL 17.
  transaction_timeout: "0",
  tcp_keepalives_idle: "30",
  tcp_keepalives_interval: "10",
  tcp_keepalives_count: "3",
};

/** What a session is told of its server when it begins. */
export interface ServerStanding {
  /** The server process behind the session. */
  readonly pid: number;
  readonly isStandby: boolean;
  /** Whether its transactions can't write unless they say otherwise; those of a standby never can. */
  readonly isReadOnly: boolean;
}

/**
 * Sets what the session relies on, of which older servers don't know everything, and asks where it is.
 * @param pid nothing is set where another server process than this one answers
 */
export async function prepareSession(
  client: pg.Client,
  lockTimeoutMs: number,
  pid: number | null,
): Promise<ServerStanding> {
  const settings = { ...RELIED_ON, lock_timeout: `${lockTimeoutMs}ms` };
  const { rows } = await client.query<ServerStanding & pg.QueryResultRow>(
    `SELECT pg_backend_pid() AS pid, pg_is_in_recovery() AS "isStandby",
       current_setting('transaction_read_only') = 'on' AS "isReadOnly", count(set_config(name, value, false))
     FROM jsonb_each_text($1) AS wanted (name, value)
     WHERE current_setting(name, true) IS NOT NULL AND pg_backend_pid() = $2`,
    [JSON.stringify(settings), pid],
  );
  const { isStandby, isReadOnly } = rows[0]!;
  return { pid: rows[0]!.pid, isStandby, isReadOnly };
}
