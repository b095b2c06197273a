import type { Connection } from "../connection.ts";
import { isoOf } from "../sql.ts";
import { callsOf } from "./call-steps.ts";

/** One step on the way that led to a fill, oldest first. */
export interface LineageStep {
  readonly step: "bar" | "indicator" | "prediction" | "decision" | "fill";
  /** The row's own id. */
  readonly id: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly what: string;
}

/**
 * What a session's last fill rests on, by the view `lineage`: its decision, the prediction behind that, and the last of
 * each kind of bars and indicators that was known then.
 * @returns in the order of time; empty when nothing was filled
 */
export async function lastFillLineage(connection: Connection, sessionId: string): Promise<LineageStep[]> {
  const [fill] = await connection.query<{ id: string; traceId: string }>(
    `SELECT execution_id AS id, decision_id AS "traceId" FROM public.trade_execution
     WHERE backtest_session_id = $1 AND status = 'FILLED' ORDER BY "timestamp" DESC, execution_id LIMIT 1`,
    [sessionId],
  );
  if (fill === undefined) return [];
  return connection.query<LineageStep & Record<string, unknown>>(
    `SELECT step, id, ${isoOf("known_at")} AS at, what FROM public.lineage
     WHERE trace_id = $1 AND (step IN ('bar', 'indicator', 'prediction', 'decision') OR id = $2)
     ORDER BY lineage.known_at, rank, what`,
    [fill.traceId, fill.id],
  );
}

/** A row of the view `lineage`, or a call that led to one of its rows; times are ISO 8601, UTC. */
export interface TraceStep {
  readonly step: LineageStep["step"] | "call" | "audit";
  readonly id: string;
  readonly parentId: string | null;
  /** Null of an input that is not on the tape. */
  readonly timestamp: string | null;
  /** When it was complete: a bar's end. */
  readonly knownAt: string | null;
  readonly publishedAt: string | null;
  readonly landedAt: string | null;
  readonly what: string;
  /** What to bear in mind: that it was used, that its value was revised since, that a fill lies before its decision. */
  readonly note: string | null;
  readonly sessionId: string | null;
}

/** A tree by its id: what was known or used, oldest first, then prediction, decision, fills and their audit entries. */
export interface Trace {
  readonly traceId: string;
  readonly steps: readonly TraceStep[];
}

/**
 * Trees in the order of their ids, by one statement: planning it takes as long as reading a tree.
 * @param asOf what the broker had by then: a time, or `infinity`
 */
export async function tracesBy(connection: Connection, traceIds: readonly string[], asOf: string): Promise<Trace[]> {
  // OFFSET 0: a join with the view's rows would be planned as if all trees were asked for.
  const rows = await connection.query<TraceStep & { traceId: string }>(
    `SELECT asked.id AS "traceId", l.* FROM unnest($1::uuid[]) WITH ORDINALITY AS asked (id, n) CROSS JOIN LATERAL (
       SELECT step, id, parent_id AS "parentId", ${isoOf('"timestamp"')} AS timestamp, ${isoOf("known_at")} AS "knownAt",
         ${isoOf("published_at")} AS "publishedAt", ${isoOf("landed_at")} AS "landedAt",
         what, note, backtest_session_id AS "sessionId"
       FROM public.lineage_as_of($2) s WHERE trace_id = asked.id ORDER BY rank, s.known_at, what, id OFFSET 0
     ) l ORDER BY asked.n`,
    [traceIds, asOf],
  );
  const calls = await callsOf(connection, rows, asOf);
  return traceIds.map((traceId) => ({
    traceId,
    steps: [...rows, ...calls].filter((row) => row.traceId === traceId).map(({ traceId: _, ...step }) => step),
  }));
}
