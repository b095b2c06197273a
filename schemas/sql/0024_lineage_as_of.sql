-- Why it was bought, as it was known at any time. A bar or an indicator shows the value that was known when the broker had the
-- decision, which is what it could rest on at most; what became of it afterwards stands beside it.
SET LOCAL ROLE tradetape_owner;

CREATE FUNCTION tradetape.bar_text(length text, open double precision, high double precision, low double precision,
  close double precision, volume double precision, source text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT format('%s open %s high %s low %s close %s volume %s, from %s', length, tradetape.number_text(open),
    tradetape.number_text(high), tradetape.number_text(low), tradetape.number_text(close), tradetape.number_text(volume), source)
$$;
COMMENT ON FUNCTION tradetape.bar_text(text, double precision, double precision, double precision, double precision,
  double precision, text) IS 'A bar in words, as the view lineage shows it.';

CREATE FUNCTION tradetape.seconds_text(later timestamptz, earlier timestamptz) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT trim_scale(extract(epoch FROM later) - extract(epoch FROM earlier)) || ' s'
$$;
COMMENT ON FUNCTION tradetape.seconds_text(timestamptz, timestamptz) IS 'The seconds from one time to a later one, in words.';
GRANT EXECUTE ON FUNCTION tradetape.seconds_text(timestamptz, timestamptz), tradetape.bar_text(text, double precision,
  double precision, double precision, double precision, double precision, text) TO tradetape_lander, tradetape_reader;

-- Neither strict nor with settings of its own, or it would not be inlined, and would read all trees.
CREATE FUNCTION public.lineage_as_of(known timestamptz) RETURNS TABLE (trace_id uuid, rank integer, step text, id uuid,
  parent_id uuid, "timestamp" timestamptz, known_at timestamptz, published_at timestamptz, landed_at timestamptz,
  what text, note text, backtest_session_id uuid)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
WITH subject AS NOT MATERIALIZED (
  SELECT d.decision_id AS trace_id, d.decision_id, d.model_reference AS prediction_id, d.symbol_id,
    d."timestamp" AS decided_at, d.published_at AS told_at, d.approved, d.backtest_session_id
  FROM public.trade_decision d WHERE d.published_at <= lineage_as_of.known
  UNION ALL
  SELECT p.prediction_id, NULL, p.prediction_id, p.symbol_id, p."timestamp", p.published_at, NULL, p.backtest_session_id
  FROM public.model_prediction p
  WHERE p.published_at <= lineage_as_of.known AND NOT EXISTS (SELECT FROM public.trade_decision d
    WHERE d.model_reference = p.prediction_id AND d.published_at <= lineage_as_of.known)
), step AS NOT MATERIALIZED (
  SELECT s.trace_id, 1 AS rank, 'bar' AS step, latest.market_data_id AS id, NULL::uuid AS parent_id, latest."timestamp",
    latest.known_at, coalesce(told.published_at, latest.published_at) AS published_at, NULL::timestamptz AS landed_at,
    coalesce(told.what, latest.what) AS what,
    CASE WHEN told.what <> latest.what THEN 'revised later: now ' || latest.what
      WHEN told.what IS NULL THEN 'first known ' || tradetape.seconds_text((
        SELECT min(r.published_at) FROM (SELECT latest.published_at UNION ALL SELECT r.published_at
          FROM public.market_data_bar_revision r WHERE r.symbol_id = s.symbol_id AND r."timestamp" = latest."timestamp"
            AND r.market_data_id = latest.market_data_id) r), s.told_at) || ' after the decision' END AS note,
    latest.backtest_session_id, NULL::text AS topic, NULL::int AS source_partition, NULL::bigint AS source_offset
  FROM subject s CROSS JOIN LATERAL (
    SELECT w."interval", w.source, w.backtest_session_id, max(w."timestamp") AS at FROM (
      -- As market_data_bar_as_of has them, each table walked by its key: of both together the planner would sort all rows.
      (SELECT m."interval", m.source, m.backtest_session_id, m."timestamp", m.ends_at FROM public.market_data_bar m
      WHERE m.symbol_id = s.symbol_id AND m."timestamp" < s.decided_at AND m."timestamp" > s.decided_at - interval '408 h'
        AND (m.backtest_session_id IS NULL OR m.backtest_session_id = s.backtest_session_id)
        AND coalesce(m.published_at, '-infinity') <= lineage_as_of.known
      ORDER BY m."timestamp" DESC LIMIT 5000)
      UNION ALL
      (SELECT r."interval", r.source, r.backtest_session_id, r."timestamp", r.ends_at FROM public.market_data_bar_revision r
      WHERE r.symbol_id = s.symbol_id AND r."timestamp" < s.decided_at AND r."timestamp" > s.decided_at - interval '408 h'
        AND (r.backtest_session_id IS NULL OR r.backtest_session_id = s.backtest_session_id)
        AND coalesce(r.published_at, '-infinity') <= lineage_as_of.known AND lineage_as_of.known < r.known_to
      ORDER BY r."timestamp" DESC LIMIT 5000)
    ) w WHERE coalesce(w.ends_at, tradetape.bar_end(w."timestamp", w."interval")) <= s.decided_at
    GROUP BY w."interval", w.source, w.backtest_session_id
  ) kind CROSS JOIN LATERAL (
    SELECT m.market_data_id, m."timestamp", m.published_at, m.backtest_session_id,
      coalesce(m.ends_at, tradetape.bar_end(m."timestamp", m."interval")) AS known_at,
      tradetape.bar_text(m."interval", m.open, m.high, m.low, m.close, m.volume, m.source) AS what
    FROM public.market_data_bar_as_of(lineage_as_of.known) m
    WHERE m.symbol_id = s.symbol_id AND m."timestamp" = kind.at AND m."interval" = kind."interval"
      AND m.source = kind.source AND m.backtest_session_id IS NOT DISTINCT FROM kind.backtest_session_id
    ORDER BY m.market_data_id LIMIT 1
  ) latest LEFT JOIN LATERAL (
    SELECT m.published_at,
      tradetape.bar_text(m."interval", m.open, m.high, m.low, m.close, m.volume, m.source) AS what
    FROM public.market_data_bar_as_of(least(s.told_at, lineage_as_of.known)) m
    WHERE m.symbol_id = s.symbol_id AND m."timestamp" = latest."timestamp" AND m.market_data_id = latest.market_data_id
    OFFSET 0
  ) told ON true
  UNION ALL
  SELECT s.trace_id, 2, 'indicator', latest.indicator_id, NULL, latest."timestamp", latest."timestamp",
    coalesce(told.published_at, latest.published_at), NULL,
    format('%s%s = %s by %s', latest.indicator_name, coalesce('(' || latest.period || ')', ' ' || latest.parameters::text, ''),
      tradetape.number_text(coalesce(told.indicator_value, latest.indicator_value)), latest.computed_by),
    CASE WHEN told.indicator_value <> latest.indicator_value
        THEN 'revised later: now ' || tradetape.number_text(latest.indicator_value)
      WHEN told.indicator_value IS NULL THEN 'first known ' || tradetape.seconds_text((
        SELECT min(r.published_at) FROM (SELECT latest.published_at UNION ALL SELECT r.published_at
          FROM public.technical_indicator_revision r WHERE r.symbol_id = s.symbol_id AND r."timestamp" = latest."timestamp"
            AND r.indicator_id = latest.indicator_id) r), s.told_at) || ' after the decision' END,
    latest.backtest_session_id, NULL, NULL, NULL
  FROM subject s CROSS JOIN LATERAL (
    SELECT w.indicator_name, w.period, w.parameters, w.computed_by, max(w."timestamp") AS at FROM (
      -- Not IS NOT DISTINCT FROM, whose rows the planner takes for so few that it would sort them.
      (SELECT t.indicator_name, t.period, t.parameters, t.computed_by, t."timestamp" FROM public.technical_indicator t
      WHERE t.symbol_id = s.symbol_id AND t."timestamp" <= s.decided_at AND t."timestamp" > s.decided_at - interval '408 h'
        AND (t.backtest_session_id = s.backtest_session_id OR t.backtest_session_id IS NULL AND s.backtest_session_id IS NULL)
        AND coalesce(t.published_at, '-infinity') <= lineage_as_of.known
      ORDER BY t."timestamp" DESC LIMIT 5000)
      UNION ALL
      (SELECT r.indicator_name, r.period, r.parameters, r.computed_by, r."timestamp" FROM public.technical_indicator_revision r
      WHERE r.symbol_id = s.symbol_id AND r."timestamp" <= s.decided_at AND r."timestamp" > s.decided_at - interval '408 h'
        AND (r.backtest_session_id = s.backtest_session_id OR r.backtest_session_id IS NULL AND s.backtest_session_id IS NULL)
        AND coalesce(r.published_at, '-infinity') <= lineage_as_of.known AND lineage_as_of.known < r.known_to
      ORDER BY r."timestamp" DESC LIMIT 5000)
    ) w GROUP BY w.indicator_name, w.period, w.parameters, w.computed_by
  ) kind CROSS JOIN LATERAL (
    SELECT t.* FROM public.technical_indicator_as_of(lineage_as_of.known) t
    WHERE t.symbol_id = s.symbol_id AND t."timestamp" = kind.at AND t.indicator_name = kind.indicator_name
      AND t.period IS NOT DISTINCT FROM kind.period AND t.parameters IS NOT DISTINCT FROM kind.parameters
      AND t.computed_by = kind.computed_by AND t.backtest_session_id IS NOT DISTINCT FROM s.backtest_session_id
    ORDER BY t.indicator_id LIMIT 1
  ) latest LEFT JOIN LATERAL (
    SELECT t.published_at, t.indicator_value
    FROM public.technical_indicator_as_of(least(s.told_at, lineage_as_of.known)) t
    WHERE t.symbol_id = s.symbol_id AND t."timestamp" = latest."timestamp" AND t.indicator_id = latest.indicator_id
    OFFSET 0
  ) told ON true
  UNION ALL
  SELECT s.trace_id, 3, 'prediction', p.prediction_id, NULL, p."timestamp", p."timestamp", p.published_at, p.landed_at,
    format('%s: price %s, up with %s, confidence %s', p.model_version,
      coalesce(tradetape.number_text(p.predicted_price), '-'), coalesce(tradetape.number_text(p.probability_up), '-'),
      coalesce(tradetape.number_text(p.confidence_score), '-')),
    nullif(concat_ws(', ',
      CASE WHEN p."timestamp" > s.decided_at
        THEN tradetape.seconds_text(p."timestamp", s.decided_at) || ' after its decision' END,
      CASE WHEN p.symbol_id <> s.symbol_id THEN 'of another symbol than its decision' END), ''),
    p.backtest_session_id, 'predictions', p.source_partition, p.source_offset
  FROM subject s JOIN public.model_prediction p ON p.prediction_id = s.prediction_id
  UNION ALL
  SELECT s.trace_id, 4, 'decision', d.decision_id, d.model_reference, d."timestamp", d."timestamp", d.published_at,
    d.landed_at, format('%s %s, %s%s', d.action, tradetape.number_text(d.size),
      CASE WHEN d.approved THEN 'approved' ELSE 'not approved' END, coalesce(': ' || d.reason, '')),
    NULL, d.backtest_session_id, 'decisions', d.source_partition, d.source_offset
  FROM subject s JOIN public.trade_decision d ON d.decision_id = s.decision_id
  UNION ALL
  SELECT s.trace_id, 5, 'fill', f.execution_id, f.decision_id, f."timestamp", f."timestamp", f.published_at, f.landed_at,
    format('%s %s at %s by %s%s', f.status, tradetape.number_text(f.quantity),
      coalesce(tradetape.number_text(f.executed_price), '-'), f.broker, coalesce(', ' || f.latency_ms || ' ms', '')),
    nullif(concat_ws(', ',
      CASE WHEN f."timestamp" < s.decided_at
        THEN tradetape.seconds_text(s.decided_at, f."timestamp") || ' before its decision' END,
      CASE WHEN f.symbol_id <> s.symbol_id THEN 'of another symbol than its decision' END,
      CASE WHEN f.status = 'FILLED' AND NOT s.approved THEN 'of a decision that was not approved' END), ''),
    f.backtest_session_id, 'fills', f.source_partition, f.source_offset
  FROM subject s JOIN public.trade_execution f ON f.decision_id = s.decision_id AND f.published_at <= lineage_as_of.known
)
SELECT trace_id, rank, step, id, parent_id, "timestamp", known_at, published_at, landed_at, what, note,
  backtest_session_id
FROM step
UNION ALL
SELECT e.trace_id, 6, 'audit', a.log_id, e.id, a."timestamp", a."timestamp", NULL, NULL,
  format('%s by %s, entry %s', a.event_type, a.actor, a.seq), NULL, a.backtest_session_id
FROM step e
JOIN tradetape.landed_offset o ON o.partition = e.source_partition AND (o.topic = e.topic OR o.topic LIKE '%.' || e.topic)
CROSS JOIN LATERAL (
  -- OFFSET 0: a join would be planned with the table's statistics, and without any it reads all entries of a topic.
  SELECT * FROM public.audit_log l
  WHERE l.source_topic = o.topic AND l.source_partition = e.source_partition AND l.source_offset = e.source_offset
    AND l.payload -> 'event' ->> (CASE e.step WHEN 'fill' THEN 'execution_id' ELSE e.step || '_id' END) = e.id::text
  OFFSET 0
) a
WHERE e.rank BETWEEN 3 AND 5
$$;
COMMENT ON FUNCTION public.lineage_as_of(timestamptz) IS
  'The view lineage as it was at a time: without what the broker did not have by then.';
GRANT EXECUTE ON FUNCTION public.lineage_as_of(timestamptz) TO tradetape_lander, tradetape_reader;

-- Without revised_at: telling the same value again raises it, so it doesn't say what was known when.
DROP VIEW public.lineage;
CREATE VIEW public.lineage AS SELECT * FROM public.lineage_as_of('infinity');
GRANT SELECT ON public.lineage TO tradetape_reader;
COMMENT ON VIEW public.lineage IS 'WHERE trace_id = a decision''s id, or that of a prediction without one. Bars and indicators: the last of each kind complete by the decision''s time, of its own session (bars also without one), no older than 408 hours and among the last 5,000 rows, with the values that were known when the broker had the decision. lineage_as_of(a time) is the same as it was then.';
COMMENT ON COLUMN public.lineage.trace_id IS
  'The decision that is asked about, or a prediction that led to none: ask WHERE trace_id = ...';
COMMENT ON COLUMN public.lineage.rank IS
  'Sorts the steps: 1 bar, 2 indicator, 3 prediction, 4 decision, 5 fill, 6 audit.';
COMMENT ON COLUMN public.lineage.step IS 'What the row is: bar, indicator, prediction, decision, fill or audit.';
COMMENT ON COLUMN public.lineage.id IS 'The id of the bar, indicator, prediction, decision, fill or audit entry.';
COMMENT ON COLUMN public.lineage.parent_id IS
  'The id of the step that this one follows from; null for bars and indicators.';
COMMENT ON COLUMN public.lineage."timestamp" IS 'The event''s own time. [UTC]';
COMMENT ON COLUMN public.lineage.known_at IS 'When it could be known: the end of a bar, else its own time. [UTC]';
COMMENT ON COLUMN public.lineage.landed_at IS
  'When the row was written here; null for bars, indicators and audit entries. [UTC]';
COMMENT ON COLUMN public.lineage.what IS 'The step in words.';
COMMENT ON COLUMN public.lineage.backtest_session_id IS 'The session this event belongs to; null is live trading.';
COMMENT ON COLUMN public.lineage.published_at IS
  'When the broker had the event: of a bar or an indicator the one that first told its value; null where that was not kept, and for audit entries. [UTC]';
COMMENT ON COLUMN public.lineage.note IS
  'What to bear in mind: a bar or an indicator was first known, or got another value, after the broker had the decision; a fill lies before its decision, or a prediction after it; a fill or prediction is of another symbol, a fill of a decision that was not approved.';
