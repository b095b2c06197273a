import type { Connection } from "../connection.ts";

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
    `SELECT step, id, ${isoTime("known_at")} AS at, what FROM public.lineage
     WHERE trace_id = $1 AND (step IN ('bar', 'indicator', 'prediction', 'decision') OR id = $2)
     ORDER BY lineage.known_at, rank, what`,
    [fill.traceId, fill.id],
  );
}

const isoTime = (column: string): string => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

/** What can be traced, and where its id stands. */
type TracedKind = "fill" | "decision" | "prediction" | "bar" | "indicator";

export interface Traced {
  readonly kind: TracedKind;
  readonly id: string;
}

/** As many as a person needs to see that an id is ambiguous. */
const FOUND_MAX = 10;

/**
 * The rows whose id lies between two: an id and itself, or the two ends of a prefix. Fills, decisions and predictions by
 * their keys; bars and indicators, whose key doesn't begin with the id, only if none of those has it, by reading all.
 */
export async function findTraced(connection: Connection, low: string, high: string): Promise<Traced[]> {
  const found = (branches: readonly (readonly [TracedKind, string, string])[]) =>
    connection.query<Traced & Record<string, unknown>>(
      `${branches
        .map(
          ([kind, table, key]) =>
            `(SELECT '${kind}' AS kind, ${key} AS id FROM public.${table} WHERE ${key} BETWEEN $1 AND $2 LIMIT ${FOUND_MAX})`,
        )
        .join(" UNION ALL ")} LIMIT ${FOUND_MAX}`,
      [low, high],
    );
  const keyed = await found([
    ["fill", "trade_execution", "execution_id"],
    ["decision", "trade_decision", "decision_id"],
    ["prediction", "model_prediction", "prediction_id"],
  ]);
  if (keyed.length > 0) return keyed;
  return found([
    ["bar", "market_data_bar", "market_data_id"],
    ["indicator", "technical_indicator", "indicator_id"],
  ]);
}

/** Decisions that are looked at for whether they rest on a bar or an indicator: the first ones after it. */
const CANDIDATES_MAX = 200;

/** Later decisions of its symbol, and predictions that led to none; the view says which of them knew it. */
const resting = (row: string, knownAt: string): string => `
  WITH known AS (SELECT symbol_id, ${knownAt} AS known_at FROM public.${row}),
  candidate AS (
    SELECT * FROM (
      SELECT d.decision_id AS trace_id, d."timestamp" FROM public.trade_decision d JOIN known k USING (symbol_id)
      WHERE d."timestamp" >= k.known_at AND d."timestamp" < k.known_at + interval '17 days'
      UNION ALL
      SELECT p.prediction_id, p."timestamp" FROM public.model_prediction p JOIN known k USING (symbol_id)
      WHERE p."timestamp" >= k.known_at AND p."timestamp" < k.known_at + interval '17 days'
        AND NOT EXISTS (SELECT FROM public.trade_decision d WHERE d.model_reference = p.prediction_id)
    ) c ORDER BY "timestamp", trace_id LIMIT ${CANDIDATES_MAX}
  )
  SELECT c.trace_id AS id FROM candidate c
  WHERE EXISTS (SELECT FROM public.lineage l WHERE l.trace_id = c.trace_id AND l.id = $1 AND l.rank <= 2)
  ORDER BY c."timestamp", c.trace_id LIMIT $2`;

const TRACES: Readonly<Record<TracedKind, string>> = {
  fill: "SELECT decision_id AS id FROM public.trade_execution WHERE execution_id = $1 LIMIT $2",
  decision: "SELECT decision_id AS id FROM public.trade_decision WHERE decision_id = $1 LIMIT $2",
  prediction: `SELECT coalesce(d.decision_id, p.prediction_id) AS id FROM public.model_prediction p
    LEFT JOIN public.trade_decision d ON d.model_reference = p.prediction_id
    WHERE p.prediction_id = $1 ORDER BY d."timestamp", 1 LIMIT $2`,
  bar: resting(
    "market_data_bar WHERE market_data_id = $1",
    `"timestamp" + coalesce(tradetape.bar_length("interval"), interval '0')`,
  ),
  indicator: resting("technical_indicator WHERE indicator_id = $1", `"timestamp"`),
};

/** The trace_ids of the trees that a row is part of, in the order of their decisions, as many as asked for. */
export async function tracesOf(connection: Connection, { kind, id }: Traced, tracesMax: number): Promise<string[]> {
  const rows = await connection.query<{ id: string }>(TRACES[kind], [id, tracesMax]);
  return rows.map((row) => row.id);
}

/** A row of the view `lineage`; times are ISO 8601, UTC. */
export interface TraceStep {
  readonly step: LineageStep["step"] | "audit";
  readonly id: string;
  readonly parentId: string | null;
  readonly timestamp: string;
  /** When it was complete: a bar's end. */
  readonly knownAt: string;
  readonly publishedAt: string | null;
  readonly landedAt: string | null;
  readonly revisedAt: string | null;
  readonly what: string;
  /** What to bear in mind: that the row was revised since. */
  readonly note: string | null;
  readonly sessionId: string | null;
}

/** The steps of one tree: what was known, oldest first, then prediction, decision, fills and their audit entries. */
export function traceSteps(connection: Connection, traceId: string): Promise<TraceStep[]> {
  return connection.query<TraceStep & Record<string, unknown>>(
    `SELECT step, id, parent_id AS "parentId", ${isoTime('"timestamp"')} AS timestamp, ${isoTime("known_at")} AS "knownAt",
       ${isoTime("published_at")} AS "publishedAt", ${isoTime("landed_at")} AS "landedAt",
       ${isoTime("revised_at")} AS "revisedAt", what, note, backtest_session_id AS "sessionId"
     FROM public.lineage WHERE trace_id = $1 ORDER BY rank, lineage.known_at, what, id`,
    [traceId],
  );
}
