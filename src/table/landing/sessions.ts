import type { Connection } from "../connection.ts";

/** What is known of a session that has landed. */
export interface SessionFacts {
  readonly status: "created" | "running" | "completed" | "failed" | "deleted";
  readonly kind: "live" | "paper" | "backtest" | "replay";
}

/** Status and kind of each of these sessions that has landed. */
export async function sessionFacts(
  connection: Connection,
  sessionIds: readonly string[],
): Promise<ReadonlyMap<string, SessionFacts>> {
  const rows = await connection.query<SessionFacts & { readonly id: string }>(
    "SELECT backtest_session_id AS id, status, kind FROM public.backtest_session WHERE backtest_session_id = ANY($1::uuid[])",
    [sessionIds],
  );
  return new Map(rows.map(({ id, ...facts }) => [id, facts]));
}
