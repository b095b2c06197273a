-- Why was it bought? Per decision, and per prediction that led to none, every step from what was known to what came of it.
-- Ask by trace_id: the small tables have it as a key, market data are looked up behind the decision's own time.
SET LOCAL ROLE tradetape_owner;

-- One spelling per length, as src/feed/interval.ts writes them. Null for any other: when such a bar ended nobody knows.
-- Neither strict nor immutable nor with a search path of its own, or it would not be inlined: it is asked of
-- thousands of rows a trace, most of them of the usual lengths.
CREATE FUNCTION tradetape.bar_length(name text) RETURNS interval
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE name WHEN '1min' THEN interval '1 min' WHEN '5min' THEN interval '5 min' WHEN '15min' THEN interval '15 min'
    WHEN '1h' THEN interval '1 h' WHEN '1d' THEN interval '1 d' WHEN '1s' THEN interval '1 s'
    ELSE CASE WHEN name ~ '^[1-9][0-9]{0,3}(s|min|h|d|w|mo)$' THEN (replace(name, 'mo', ' mon'))::interval END END
$$;
GRANT EXECUTE ON FUNCTION tradetape.bar_length(text) TO tradetape_lander, tradetape_reader;

CREATE VIEW public.lineage AS
WITH subject AS NOT MATERIALIZED (
  SELECT d.decision_id AS trace_id, d.decision_id, d.model_reference AS prediction_id, d.symbol_id,
    d."timestamp" AS decided_at, d.published_at AS told_at, d.backtest_session_id
  FROM public.trade_decision d
  UNION ALL
  SELECT p.prediction_id, NULL, p.prediction_id, p.symbol_id, p."timestamp", p.published_at, p.backtest_session_id
  FROM public.model_prediction p
  WHERE NOT EXISTS (SELECT FROM public.trade_decision d WHERE d.model_reference = p.prediction_id)
), step AS NOT MATERIALIZED (
  SELECT s.trace_id, 1 AS rank, 'bar' AS step, k.market_data_id AS id, NULL::uuid AS parent_id, k."timestamp", k.known_at,
    NULL::timestamptz AS published_at, NULL::timestamptz AS landed_at, k.revised_at,
    format('%s open %s high %s low %s close %s, from %s', k."interval", k.open, k.high, k.low, k.close, k.source) AS what,
    s.decided_at, s.told_at, k.backtest_session_id, NULL::text AS topic, NULL::int AS source_partition,
    NULL::bigint AS source_offset
  FROM subject s CROSS JOIN LATERAL (
    SELECT w."interval", w.source, w.backtest_session_id, max(w."timestamp") AS latest FROM (
      SELECT m."interval", m.source, m.backtest_session_id, m."timestamp" FROM public.market_data_bar m
      WHERE m.symbol_id = s.symbol_id AND m."timestamp" < s.decided_at AND m."timestamp" > s.decided_at - interval '17 days'
        AND (m.backtest_session_id IS NULL OR m.backtest_session_id = s.backtest_session_id)
      ORDER BY m."timestamp" DESC LIMIT 5000
    ) w WHERE w."timestamp" + tradetape.bar_length(w."interval") <= s.decided_at
    GROUP BY w."interval", w.source, w.backtest_session_id
  ) kind CROSS JOIN LATERAL (
    SELECT m.*, m."timestamp" + tradetape.bar_length(m."interval") AS known_at FROM public.market_data_bar m
    WHERE m.symbol_id = s.symbol_id AND m."timestamp" = kind.latest AND m."interval" = kind."interval"
      AND m.source = kind.source AND m.backtest_session_id IS NOT DISTINCT FROM kind.backtest_session_id
    ORDER BY m.market_data_id LIMIT 1
  ) k
  UNION ALL
  SELECT s.trace_id, 2, 'indicator', k.indicator_id, NULL, k."timestamp", k."timestamp", NULL, NULL, k.revised_at,
    format('%s%s = %s by %s', k.indicator_name, coalesce('(' || k.period || ')', ' ' || k.parameters::text, ''),
      k.indicator_value, k.computed_by),
    s.decided_at, s.told_at, k.backtest_session_id, NULL, NULL, NULL
  FROM subject s CROSS JOIN LATERAL (
    SELECT w.indicator_name, w.period, w.parameters, w.computed_by, max(w."timestamp") AS latest FROM (
      SELECT t.indicator_name, t.period, t.parameters, t.computed_by, t."timestamp" FROM public.technical_indicator t
      WHERE t.symbol_id = s.symbol_id AND t."timestamp" <= s.decided_at AND t."timestamp" > s.decided_at - interval '17 days'
        AND t.backtest_session_id IS NOT DISTINCT FROM s.backtest_session_id
      ORDER BY t."timestamp" DESC LIMIT 5000
    ) w GROUP BY w.indicator_name, w.period, w.parameters, w.computed_by
  ) kind CROSS JOIN LATERAL (
    SELECT t.* FROM public.technical_indicator t
    WHERE t.symbol_id = s.symbol_id AND t."timestamp" = kind.latest AND t.indicator_name = kind.indicator_name
      AND t.period IS NOT DISTINCT FROM kind.period AND t.parameters IS NOT DISTINCT FROM kind.parameters
      AND t.computed_by = kind.computed_by AND t.backtest_session_id IS NOT DISTINCT FROM s.backtest_session_id
    ORDER BY t.indicator_id LIMIT 1
  ) k
  UNION ALL
  SELECT s.trace_id, 3, 'prediction', p.prediction_id, NULL, p."timestamp", p."timestamp", p.published_at, p.landed_at,
    NULL, format('%s: price %s, up with %s, confidence %s', p.model_version, coalesce(p.predicted_price::text, '-'),
      coalesce(p.probability_up::text, '-'), coalesce(p.confidence_score::text, '-')),
    s.decided_at, s.told_at, p.backtest_session_id, 'predictions', p.source_partition, p.source_offset
  FROM subject s JOIN public.model_prediction p ON p.prediction_id = s.prediction_id
  UNION ALL
  SELECT s.trace_id, 4, 'decision', d.decision_id, d.model_reference, d."timestamp", d."timestamp", d.published_at,
    d.landed_at, NULL, format('%s %s, %s%s', d.action, d.size, CASE WHEN d.approved THEN 'approved' ELSE 'not approved' END,
      coalesce(': ' || d.reason, '')),
    s.decided_at, s.told_at, d.backtest_session_id, 'decisions', d.source_partition, d.source_offset
  FROM subject s JOIN public.trade_decision d ON d.decision_id = s.decision_id
  UNION ALL
  SELECT s.trace_id, 5, 'fill', f.execution_id, f.decision_id, f."timestamp", f."timestamp", f.published_at, f.landed_at,
    NULL, format('%s %s at %s by %s%s', f.status, f.quantity, coalesce(f.executed_price::text, '-'), f.broker,
      coalesce(', ' || f.latency_ms || ' ms', '')),
    s.decided_at, s.told_at, f.backtest_session_id, 'fills', f.source_partition, f.source_offset
  FROM subject s JOIN public.trade_execution f ON f.decision_id = s.decision_id
)
SELECT trace_id, rank, step, id, parent_id, "timestamp", known_at, published_at, landed_at, revised_at, what,
  CASE WHEN revised_at > told_at THEN 'revised later, earlier value not kept'
    WHEN revised_at > decided_at THEN 'revised after the decision''s time, before it was published' END AS note,
  backtest_session_id
FROM step
UNION ALL
SELECT e.trace_id, 6, 'audit', a.log_id, e.id, a."timestamp", a."timestamp", NULL, NULL, NULL,
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
WHERE e.rank BETWEEN 3 AND 5;

COMMENT ON VIEW public.lineage IS 'WHERE trace_id = a decision''s id, or that of a prediction without one. Bars and indicators: the last of each kind complete by the decision''s time, of its own session (bars also without one), no older than 17 days and among the last 5,000 rows. A time in revised_at is compared with when the broker had the decision.';
GRANT SELECT ON public.lineage TO tradetape_reader;
