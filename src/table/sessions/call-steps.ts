import type { Connection } from "../connection.ts";
import { isoOf } from "../sql.ts";

/** A row of a tree, as much as its calls are found by. */
interface Told {
  readonly traceId: string;
  readonly step: string;
  readonly id: string;
}

/** A call, or its audit entry, as a step of the tree that it led to. */
interface CallStep {
  readonly traceId: string;
  readonly step: "call" | "audit";
  readonly id: string;
  /** Of a call the one that led to it, else what it led to. */
  readonly parentId: string;
  readonly timestamp: string;
  readonly knownAt: string;
  readonly publishedAt: string | null;
  readonly landedAt: string | null;
  readonly what: string;
  readonly note: string | null;
  readonly sessionId: string | null;
}

/**
 * The calls that led to the decisions of trees, and to their predictions, each with its audit entry. A call that led to both
 * stands under the decision, where the tree has that. An entry says the digests of request and answer, which `audit prove` can
 * show to be in the log; where the row has another, its note says so.
 * @param asOf what the broker had by then: a time, or `infinity`
 */
export async function callsOf(connection: Connection, told: readonly Told[], asOf: string): Promise<CallStep[]> {
  const by = told.filter(({ step }) => step === "decision" || step === "prediction");
  const found = await connection.query<CallStep & Record<string, unknown>>(CALLS, [
    by.map(({ traceId }) => traceId),
    by.map(({ step }) => step),
    by.map(({ id }) => id),
    asOf,
  ]);
  return found;
}

const BODIES = ["request", "response"] as const;
/** SQL; a body by the first digits of its digest, and its size. */
const bodyText = (from: string, body: string) =>
  `coalesce(left(${from}${body}_sha256, 12) || ' (' || ${from}${body}_bytes || ' bytes)', 'none')`;
const differs = BODIES.map((body) => `a.event ->> '${body}_sha256' IS DISTINCT FROM c.${body}_sha256`).join(" OR ");

const CALLS = `
  WITH asked AS (
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[]) AS a (trace_id, step, id)
  ), call AS (
    SELECT DISTINCT ON (l.trace_id, l.call_id) l.* FROM (
      SELECT a.trace_id, 1 AS nth, a.id AS led_to, c.* FROM asked a JOIN public.agent_call c ON c.decision_id = a.id
      WHERE a.step = 'decision'
      UNION ALL
      SELECT a.trace_id, 2, a.id, c.* FROM asked a JOIN public.agent_call c ON c.prediction_id = a.id
      WHERE a.step = 'prediction'
    ) l WHERE l.published_at <= $4 ORDER BY l.trace_id, l.call_id, l.nth
  )
  SELECT trace_id AS "traceId", step, id, "parentId", ${isoOf("at")} AS timestamp, ${isoOf("at")} AS "knownAt",
    ${isoOf("published_at")} AS "publishedAt", ${isoOf("landed_at")} AS "landedAt", what, note, session_id AS "sessionId"
  FROM (
    SELECT c.trace_id, 1 AS rank, 'call' AS step, c.call_id AS id, coalesce(p.call_id, c.led_to) AS "parentId",
      c."timestamp" AS at, c.published_at, c.landed_at, c.source_offset,
      concat_ws(', ', concat_ws(' ', lower(c.kind), c.name, c.model, 'at ' || c.provider),
        'asked ' || ${bodyText("c.", "request")}, 'answered ' || ${bodyText("c.", "response")},
        c.input_tokens || ' + ' || c.output_tokens || ' tokens', c.finish_reason,
        round(1000 * extract(epoch FROM c.ended_at - c."timestamp")) || ' ms') AS what,
      c.error AS note, c.backtest_session_id AS session_id
    FROM call c LEFT JOIN call p ON p.trace_id = c.trace_id AND p.call_id = c.parent_call_id
    UNION ALL
    SELECT c.trace_id, 2, 'audit', a.log_id, c.call_id, a."timestamp", NULL, NULL, c.source_offset,
      format('%s by %s, entry %s: asked %s, answered %s', a.event_type, a.actor, a.seq,
        left(a.event ->> 'request_sha256', 12), coalesce(left(a.event ->> 'response_sha256', 12), 'none')),
      CASE WHEN a.event ? 'request_sha256' AND (${differs}) THEN 'of other bodies than the row' END, c.backtest_session_id
    FROM call c
    JOIN tradetape.landed_offset o ON o.partition = c.source_partition AND (o.topic = 'calls' OR o.topic LIKE '%.calls')
    CROSS JOIN LATERAL (
      -- OFFSET 0: a join would be planned with the table's statistics, and without any it reads all entries of a topic.
      SELECT l.*, l.payload -> 'event' AS event FROM public.audit_log l
      WHERE l.source_topic = o.topic AND l.source_partition = c.source_partition AND l.source_offset = c.source_offset
        AND l.payload -> 'event' ->> 'call_id' = c.call_id::text
      OFFSET 0
    ) a
  ) s ORDER BY trace_id, rank, at, source_offset, id`;

/** Of a call, $1: its decision, or what its prediction led to, as many as $2, of what the broker had by $3. */
export const TREES_OF_CALL = `SELECT coalesce(d.decision_id, o.decision_id, p.prediction_id) AS id FROM public.agent_call c
  LEFT JOIN public.trade_decision d ON d.decision_id = c.decision_id AND d.published_at <= $3
  LEFT JOIN public.model_prediction p ON p.prediction_id = c.prediction_id AND p.published_at <= $3
  LEFT JOIN public.trade_decision o ON o.model_reference = p.prediction_id AND o.published_at <= $3 AND d.decision_id IS NULL
  WHERE c.call_id = $1 AND c.published_at <= $3 AND coalesce(d.decision_id, p.prediction_id) IS NOT NULL
  ORDER BY o."timestamp", 1 LIMIT $2`;
