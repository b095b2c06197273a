import type { Connection } from "../connection.ts";

/** A call's row, as a replay of its session needs it. */
interface CallRow {
  readonly id: string;
  readonly kind: "MODEL" | "TOOL";
  readonly name: string;
  readonly request: TextRow;
  readonly requestSha256: string;
  readonly response: TextRow;
  readonly responseSha256: string | null;
  readonly responseType: string | null;
  readonly status: number | null;
  readonly error: string | null;
}

interface TextRow {
  readonly whole: string | null;
  readonly pieces: readonly string[] | null;
}

/**
 * An actor's calls of a session, in the order in which they began, without those that a tool made: who is given a tool's
 * result again doesn't ask for them.
 */
export function recordedCalls(connection: Connection, session: string, actor: string): Promise<CallRow[]> {
  return connection.query<CallRow & Record<string, unknown>>(
    `SELECT call_id AS id, kind, name, jsonb_build_object('whole', request, 'pieces', request_pieces) AS request,
       request_sha256 AS "requestSha256", jsonb_build_object('whole', response, 'pieces', response_pieces) AS response,
       response_sha256 AS "responseSha256", response_type AS "responseType", status, error
     FROM public.agent_call c WHERE backtest_session_id = $1 AND actor = $2
       AND NOT EXISTS (SELECT FROM public.agent_call p WHERE p.call_id = c.parent_call_id AND p.kind = 'TOOL')
     ORDER BY "timestamp", source_offset`,
    [session, actor],
  );
}

/** The text that a session's contents make, in the order of their digests; null where one of them isn't there. */
export async function joinContents(
  connection: Connection,
  session: string,
  pieces: readonly string[],
): Promise<string | null> {
  const rows = await connection.query<{ body: string | null }>(
    `SELECT c.body FROM unnest($1::text[]) WITH ORDINALITY AS p (sha256, n)
     LEFT JOIN public.agent_content c ON c.sha256 = p.sha256 AND c.backtest_session_id = $2 ORDER BY p.n`,
    [pieces, session],
  );
  return rows.every(({ body }) => body !== null) ? rows.map(({ body }) => body).join("") : null;
}
