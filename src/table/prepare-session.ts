import pg from "pg";
import { isOfRole, mayNotSwitch } from "./permission.ts";

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

/** Sets what the session relies on, of which older servers don't know everything. @returns the server process's id */
export async function prepareSession(client: pg.Client, lockTimeoutMs: number): Promise<number> {
  const settings = { ...RELIED_ON, lock_timeout: `${lockTimeoutMs}ms` };
  const { rows } = await client.query<{ pid: number }>(
    `SELECT pg_backend_pid() AS pid, count(set_config(name, value, false))
     FROM jsonb_each_text($1) AS wanted (name, value) WHERE current_setting(name, true) IS NOT NULL`,
    [JSON.stringify(settings)],
  );
  return rows[0]!.pid;
}

/** @throws TradetapeError permission_denied */
export async function switchRole(client: pg.Client, role: string, place: string): Promise<void> {
  try {
    await client.query(`SET ROLE ${pg.escapeIdentifier(role)}`);
  } catch (error) {
    if (!isOfRole(error)) throw error;
    const { rows } = await client.query<{ isSince16: boolean }>(
      `SELECT current_setting('server_version_num')::int >= 160000 AS "isSince16"`,
    );
    throw mayNotSwitch(error, place, { user: client.user ?? "the login user", role, ...rows[0]! });
  }
}
