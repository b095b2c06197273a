import type { Connection } from "./connection.ts";

/** The status of each of these sessions that has landed. */
export async function sessionStatuses(
  connection: Connection,
  sessionIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await connection.query<{ id: string; status: string }>(
    "SELECT backtest_session_id AS id, status FROM public.backtest_session WHERE backtest_session_id = ANY($1::uuid[])",
    [sessionIds],
  );
  return new Map(rows.map((row) => [row.id, row.status]));
}
