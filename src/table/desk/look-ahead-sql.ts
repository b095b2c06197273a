import { barEnd, isoOf } from "../sql.ts";

/** Rows of one kind of event that an input may name. Expressions are of the row `t`. */
interface Source {
  readonly kind: string;
  readonly table: string;
  readonly id: string;
  /** When the event could be known by its own time. */
  readonly validAt: string;
  /** Whether that time is known; a bar that nobody knows the end of has only its start. */
  readonly isValidAtKnown?: string;
  /** When the broker, else the feed, had this content; null where that was not kept. */
  readonly knownFrom: string;
  /** The numbers that an input's `value` may be; null leaves it unjudged. */
  readonly numbers: string | null;
  /** Whether contents that were replaced are kept, with the time since when each was known. */
  readonly isRevised: boolean;
  /** Whether a time finds its rows quicker than an id does. */
  readonly isByTime: boolean;
}

const MARKET = { isByTime: true, validAt: `t."timestamp"` } as const;
const AGENT = { isByTime: false, validAt: `t."timestamp"`, knownFrom: "t.published_at", isRevised: false } as const;

const REVISED: readonly Source[] = [
  {
    ...{ ...MARKET, kind: "bar", table: "market_data_bar", id: "market_data_id", numbers: "t.close" },
    validAt: `coalesce(${barEnd("t")}, t."timestamp")`,
    isValidAtKnown: `${barEnd("t")} IS NOT NULL`,
    knownFrom: "t.published_at",
    isRevised: true,
  },
  {
    ...{ ...MARKET, kind: "indicator", table: "technical_indicator", id: "indicator_id", numbers: "t.indicator_value" },
    ...{ knownFrom: "t.published_at", isRevised: true },
  },
  {
    ...{ kind: "performance", table: "strategy_performance", id: "performance_id", numbers: null },
    ...{ validAt: "coalesce(t.as_of, t.window_end)", knownFrom: "t.published_at", isRevised: true, isByTime: false },
  },
];

const SOURCES: readonly Source[] = [
  ...REVISED,
  ...REVISED.map((source) => ({ ...source, table: `${source.table}_revision` })),
  {
    ...{ ...MARKET, kind: "tick", table: "market_data_tick", id: "market_data_id", numbers: "t.close" },
    ...{ knownFrom: "t.received_at", isRevised: false },
  },
  {
    ...{ ...MARKET, kind: "quote", table: "quote", id: "quote_id" },
    ...{ numbers: "t.bid_price, t.ask_price, (t.bid_price + t.ask_price) / 2" },
    ...{ knownFrom: "t.received_at", isRevised: false },
  },
  {
    ...{ ...AGENT, kind: "prediction", table: "model_prediction", id: "prediction_id" },
    numbers: "t.probability_up, t.predicted_price, t.confidence_score",
  },
  { ...AGENT, kind: "decision", table: "trade_decision", id: "decision_id", numbers: null },
  { ...AGENT, kind: "fill", table: "trade_execution", id: "execution_id", numbers: "t.executed_price, t.quantity" },
];

/** How long before the first decision of a portion inputs are looked for by time, before they are looked for in all rows. */
const WINDOW = "interval '960 h'";

function contentsOf(source: Source, everywhere: boolean): string {
  const near = `t."timestamp" BETWEEN $6::timestamptz - ${WINDOW} AND $4::timestamptz + interval '24 h'`;
  return `SELECT n.i, ${source.validAt} AS valid_at, ${source.isValidAtKnown ?? "true"} AS is_valid_at_known,
      ${source.knownFrom} AS known_from, ${source.isRevised} AS is_revised,
      ${source.numbers === null ? "NULL::float8[]" : `ARRAY[${source.numbers}]`} AS numbers
    FROM named n JOIN public.${source.table} t ON t.${source.id} = n.id
    WHERE n.kind = '${source.kind}'${source.isByTime && !everywhere ? ` AND ${near}` : ""}`;
}

/** $1 is the session, or null; $2 and $3 the last decision of the portion before; $4 is how many. */
export const PORTION = `
  SELECT count(*) AS decisions, ${isoOf(`min(d."timestamp")`)} AS first, ${isoOf(`max(d."timestamp")`)} AS last,
    (array_agg(d.decision_id ORDER BY d."timestamp" DESC, d.decision_id DESC))[1] AS "lastId"
  FROM (SELECT d."timestamp", d.decision_id FROM public.trade_decision d
    WHERE ($1::uuid IS NULL OR d.backtest_session_id = $1)
      AND ($2::timestamptz IS NULL OR (d."timestamp", d.decision_id) > ($2::timestamptz, $3::uuid))
    ORDER BY d."timestamp", d.decision_id LIMIT $4) d`;

/**
 * One portion's figures and findings. $1 is the session, or null; the portion lies behind ($2, $3) and up to ($4, $5). $6,
 * which only a search about the portion's time has, is the time of its first decision.
 * @param everywhere looks for market data in all rows instead of those about the portion's time
 */
export const findings = (everywhere: boolean): string => `
WITH portion AS MATERIALIZED (
  SELECT d.decision_id, d."timestamp" AS at, d.published_at, d.known_until, d.model_reference,
    p."timestamp" AS predicted_at, p.published_at AS prediction_published_at, p.known_until AS prediction_known_until,
    coalesce(s.kind IN ('live', 'paper'), true) AS is_live
  FROM public.trade_decision d LEFT JOIN public.model_prediction p ON p.prediction_id = d.model_reference
  LEFT JOIN public.backtest_session s ON s.backtest_session_id = d.backtest_session_id
  WHERE ($1::uuid IS NULL OR d.backtest_session_id = $1)
    AND ($2::timestamptz IS NULL OR (d."timestamp", d.decision_id) > ($2::timestamptz, $3::uuid))
    AND (d."timestamp", d.decision_id) <= ($4::timestamptz, $5::uuid)
), named AS MATERIALIZED (
  SELECT row_number() OVER () AS i, q.decision_id, q.is_live, d.told_by, d.kind, d.id AS told_id, d.known_at, d.value::float8,
    CASE WHEN d.id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN d.id::uuid END AS id,
    CASE d.told_by WHEN 'decision' THEN q.at ELSE q.predicted_at END AS at,
    CASE d.told_by WHEN 'decision' THEN q.published_at ELSE q.prediction_published_at END AS published_at,
    coalesce(d.kind = 'prediction' AND d.id = q.model_reference::text, false) AS is_own_prediction
  FROM portion q JOIN public.decision_input d USING (decision_id)
), content AS (
  ${SOURCES.map((source) => contentsOf(source, everywhere)).join("\n  UNION ALL\n  ")}
), meant AS (
  SELECT c.*, (n.value IS NULL OR c.numbers IS NULL OR n.value = ANY (c.numbers))
    AND (n.known_at IS NULL OR NOT c.is_revised OR coalesce(c.known_from, '-infinity') <= n.known_at) AS is_meant
  FROM named n JOIN content c USING (i)
), told AS (
  SELECT i, count(*) AS contents, bool_or(is_meant) AS is_meant, max(known_from) AS revised_at,
    min(valid_at) FILTER (WHERE is_meant) AS valid_at, min(known_from) FILTER (WHERE is_meant) AS known_from,
    bool_and(is_valid_at_known AND (known_from IS NOT NULL OR NOT is_revised)) FILTER (WHERE is_meant) AS is_kept,
    bool_and(is_valid_at_known) FILTER (WHERE is_meant) AS is_valid_at_known
  FROM meant GROUP BY i
), judged AS MATERIALIZED (
  SELECT n.*, coalesce(t.contents, 0) AS contents, coalesce(t.is_meant, false) AS is_known, t.valid_at, t.revised_at,
    coalesce(n.known_at, CASE WHEN NOT n.is_own_prediction THEN t.known_from END) AS known_from,
    CASE WHEN n.is_live THEN t.is_kept ELSE t.is_valid_at_known END AS is_sure,
    t.i IS NULL AND EXISTS (SELECT FROM tradetape.day_table k WHERE k.keep_from IS NOT NULL
      AND k.table_name = CASE n.kind WHEN 'tick' THEN 'market_data_tick' WHEN 'quote' THEN 'quote' END) AS is_dropped
  FROM named n LEFT JOIN told t USING (i)
), finding AS (
  SELECT decision_id, 'future_input' AS kind, told_by, kind AS input, told_id AS id, at, valid_at AS against
  FROM judged WHERE valid_at > at AND NOT is_own_prediction
  UNION ALL
  SELECT decision_id, 'late_input', told_by, kind, told_id, published_at, known_from
  FROM judged WHERE is_live AND is_known AND known_from > published_at
  UNION ALL
  SELECT decision_id, 'unknown_input', told_by, kind, told_id, at, known_at FROM judged WHERE NOT is_known AND NOT is_dropped
  UNION ALL
  SELECT decision_id, 'revised_input', told_by, kind, told_id, at, revised_at
  FROM judged WHERE NOT is_live AND is_known AND contents > 1
  UNION ALL
  SELECT q.decision_id, 'future_knowledge', t.told_by, NULL, NULL, t.at, t.known_until FROM portion q CROSS JOIN LATERAL (VALUES
    ('decision', q.at, q.known_until), ('prediction', q.predicted_at, q.prediction_known_until)) AS t(told_by, at, known_until)
  WHERE t.known_until > t.at
  UNION ALL
  SELECT decision_id, 'future_prediction', 'decision', 'prediction', model_reference::text, at, predicted_at
  FROM portion WHERE predicted_at > at
  UNION ALL
  SELECT q.decision_id, t.kind, 'fill', 'fill', e.execution_id::text, t.at, t.against
  FROM portion q JOIN public.trade_execution e USING (decision_id) CROSS JOIN LATERAL (VALUES
    ('future_price', e."timestamp", e.priced_at, e.priced_at > e."timestamp"),
    ('early_fill', q.at, e."timestamp", e."timestamp" < q.at)) AS t(kind, at, against, is_leak)
  WHERE e.status = 'FILLED' AND t.is_leak
)
SELECT (SELECT count(*) FROM portion q LEFT JOIN (
      SELECT decision_id, bool_or(is_dropped OR NOT is_sure) AS is_unsure FROM judged GROUP BY 1) j USING (decision_id)
    WHERE (q.known_until IS NOT NULL OR q.prediction_known_until IS NOT NULL OR j.decision_id IS NOT NULL)
      AND j.is_unsure IS NOT TRUE) AS provable,
  (SELECT count(*) FROM judged WHERE contents = 0) AS missing,
  (SELECT coalesce(jsonb_agg(jsonb_build_object('kind', kind, 'decisionId', decision_id, 'toldBy', told_by, 'input', input,
      'id', id, 'at', ${isoOf("at")}, 'against', ${isoOf("against")}) ORDER BY at, decision_id, kind, told_by, id), '[]')
    FROM finding) AS findings`;
