-- Why it was bought, by what the decision says it used. A bar or an indicator that a decision or its prediction names shows the
-- revision that they name; beside these stands what else could be known, of the decision's own prices.
SET LOCAL ROLE tradetape_owner;

-- Neither strict nor with settings of its own, or it would not be inlined.
CREATE FUNCTION tradetape.named_input(inputs jsonb)
RETURNS TABLE (kind text, id uuid, known_at timestamptz, value double precision)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT i.input ->> 'kind', (i.input ->> 'id')::uuid,
    CASE jsonb_typeof(i.input -> 'known_at') WHEN 'number'
      THEN timestamptz 'epoch' + (i.input ->> 'known_at')::float8 * interval '1 microsecond' END,
    CASE jsonb_typeof(i.input -> 'value') WHEN 'number' THEN (i.input ->> 'value')::float8 END
  FROM jsonb_array_elements(CASE jsonb_typeof(named_input.inputs) WHEN 'array' THEN named_input.inputs END) AS i (input)
  WHERE i.input ->> 'kind' IN ('bar', 'indicator') AND i.input ->> 'id' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
$$;
COMMENT ON FUNCTION tradetape.named_input(jsonb) IS
  'The bars and indicators that the inputs of a prediction or a decision name.';

-- By its key from the decision backwards, where nearly all inputs are; elsewhere by its id alone, which reads more.
CREATE FUNCTION tradetape.place_of_input(of_kind text, of_id uuid, of_symbol uuid, decided_at timestamptz)
RETURNS TABLE (symbol_id uuid, "timestamp" timestamptz)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
BEGIN
  IF of_kind = 'bar' THEN
    RETURN QUERY SELECT m.symbol_id, m."timestamp" FROM public.market_data_bar m WHERE m.symbol_id = of_symbol
      AND m.market_data_id = of_id AND m."timestamp" BETWEEN decided_at - interval '408 h' AND decided_at
      ORDER BY m."timestamp" DESC LIMIT 1;
  ELSE
    RETURN QUERY SELECT t.symbol_id, t."timestamp" FROM public.technical_indicator t WHERE t.symbol_id = of_symbol
      AND t.indicator_id = of_id AND t."timestamp" BETWEEN decided_at - interval '408 h' AND decided_at
      ORDER BY t."timestamp" DESC LIMIT 1;
  END IF;
  IF NOT FOUND THEN
    RETURN QUERY SELECT o.symbol_id, o."timestamp" FROM public.row_of(of_id) o WHERE o.kind = of_kind;
  END IF;
END
$$;
COMMENT ON FUNCTION tradetape.place_of_input(text, uuid, uuid, timestamptz) IS
  'Where a bar or an indicator that a decision names lies: the rest of its key.';

CREATE FUNCTION tradetape.contents_of(of_kind text, of_symbol uuid, at timestamptz, of_id uuid)
RETURNS TABLE (published_at timestamptz, known_to timestamptz, known_at timestamptz, source text, backtest_session_id uuid,
  value double precision, what text, says text)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
BEGIN
  IF of_kind = 'bar' THEN
    RETURN QUERY SELECT m.published_at, m.known_to, coalesce(m.ends_at, tradetape.bar_end(m."timestamp", m."interval")),
        m.source, m.backtest_session_id, m.close, t.text, t.text
      FROM (
        SELECT b."timestamp", b."interval", b.ends_at, b.open, b.high, b.low, b.close, b.volume, b.source,
          b.backtest_session_id, b.published_at, timestamptz 'infinity' AS known_to FROM public.market_data_bar b
        WHERE b.symbol_id = of_symbol AND b."timestamp" = at AND b.market_data_id = of_id
        UNION ALL
        SELECT r."timestamp", r."interval", r.ends_at, r.open, r.high, r.low, r.close, r.volume, r.source,
          r.backtest_session_id, r.published_at, r.known_to FROM public.market_data_bar_revision r
        WHERE r.symbol_id = of_symbol AND r."timestamp" = at AND r.market_data_id = of_id
      ) m CROSS JOIN LATERAL tradetape.bar_text(m."interval", m.open, m.high, m.low, m.close, m.volume, m.source) t (text);
  ELSE
    RETURN QUERY SELECT m.published_at, m.known_to, m."timestamp", m.parameters ->> 'source', m.backtest_session_id,
        m.indicator_value, format('%s%s = %s by %s', m.indicator_name,
          coalesce('(' || m.period || ')', ' ' || m.parameters::text, ''), t.text, m.computed_by), t.text
      FROM (
        SELECT i."timestamp", i.indicator_name, i.period, i.parameters, i.indicator_value, i.computed_by,
          i.backtest_session_id, i.published_at, timestamptz 'infinity' AS known_to FROM public.technical_indicator i
        WHERE i.symbol_id = of_symbol AND i."timestamp" = at AND i.indicator_id = of_id
        UNION ALL
        SELECT r."timestamp", r.indicator_name, r.period, r.parameters, r.indicator_value, r.computed_by,
          r.backtest_session_id, r.published_at, r.known_to FROM public.technical_indicator_revision r
        WHERE r.symbol_id = of_symbol AND r."timestamp" = at AND r.indicator_id = of_id
      ) m CROSS JOIN LATERAL tradetape.number_text(m.indicator_value) t (text);
  END IF;
END
$$;
COMMENT ON FUNCTION tradetape.contents_of(text, uuid, timestamptz, uuid) IS
  'All that a bar or an indicator ever said, each content from published_at until known_to.';

-- Which content of a bar or an indicator a tree shows: the one that was named, else what was known then, else what is known now.
-- A known_at that is named means the last content until then; a value alone the first content that had it.
CREATE FUNCTION tradetape.shown_content(of_kind text, of_symbol uuid, at timestamptz, of_id uuid, teller text,
  told_at timestamptz, is_used boolean, named_at timestamptz, named_value double precision, known timestamptz)
RETURNS TABLE (known_at timestamptz, published_at timestamptz, source text, backtest_session_id uuid, what text, note text)
LANGUAGE sql STABLE AS $$
  SELECT c.known_at, c.published_at, c.source, c.backtest_session_id, c.what, concat_ws(', ',
    CASE WHEN is_used THEN 'used by ' || teller END,
    CASE WHEN NOT c.is_named THEN 'in a revision that is not on the tape' END,
    CASE WHEN c.known_then IS NULL
        THEN 'first known ' || tradetape.seconds_text(c.first_known, told_at) || ' after ' || teller
      WHEN c.published_at > told_at
        THEN 'known ' || tradetape.seconds_text(c.published_at, told_at) || ' after ' || teller || ': then ' || c.known_then
      WHEN c.says <> c.known_then
        THEN 'revised before ' || teller || ': then ' || CASE c.known_then WHEN c.known_now THEN 'and now ' ELSE '' END
          || c.known_then END,
    CASE WHEN c.known_now <> CASE WHEN c.published_at > told_at THEN c.says ELSE coalesce(c.known_then, c.says) END
      THEN 'revised later: now ' || c.known_now END)
  FROM (
    SELECT t.*, max(t.says) FILTER (WHERE t.is_then) OVER () AS known_then,
      max(t.says) FILTER (WHERE t.is_now) OVER () AS known_now, min(t.published_at) OVER () AS first_known
    FROM (
      SELECT m.*, coalesce(m.published_at, '-infinity') <= told_at AND least(told_at, known) < m.known_to AS is_then,
        m.known_to > known OR m.known_to = 'infinity' AS is_now,
        coalesce(m.value = named_value, true) AND coalesce(coalesce(m.published_at, '-infinity') <= named_at, true) AS is_named
      FROM tradetape.contents_of(of_kind, of_symbol, at, of_id) m WHERE coalesce(m.published_at, '-infinity') <= known
    ) t
  ) c
  ORDER BY CASE WHEN c.is_named AND (named_at IS NOT NULL OR named_value IS NOT NULL) THEN 0
      WHEN c.is_then THEN 1 WHEN c.is_now THEN 2 ELSE 3 END,
    CASE WHEN named_at IS NULL THEN 1 ELSE -1 END * extract(epoch FROM coalesce(c.published_at, '-infinity')), c.known_to DESC
  LIMIT 1
$$;
COMMENT ON FUNCTION tradetape.shown_content(text, uuid, timestamptz, uuid, text, timestamptz, boolean, timestamptz,
  double precision, timestamptz) IS
  'What the view lineage shows of a bar or an indicator, and how that differs from what was known then and is known now.';
GRANT EXECUTE ON FUNCTION tradetape.named_input(jsonb), tradetape.place_of_input(text, uuid, uuid, timestamptz),
  tradetape.contents_of(text, uuid, timestamptz, uuid), tradetape.shown_content(text, uuid, timestamptz, uuid, text,
  timestamptz, boolean, timestamptz, double precision, timestamptz) TO tradetape_lander, tradetape_reader;

-- Neither strict nor with settings of its own, or it would not be inlined, and would read all trees.
CREATE OR REPLACE FUNCTION public.lineage_as_of(known timestamptz) RETURNS TABLE (trace_id uuid, rank integer, step text, id uuid,
  parent_id uuid, "timestamp" timestamptz, known_at timestamptz, published_at timestamptz, landed_at timestamptz,
  what text, note text, backtest_session_id uuid)
LANGUAGE sql STABLE AS $$
WITH subject AS NOT MATERIALIZED (
  SELECT d.decision_id AS trace_id, d.decision_id, d.model_reference AS prediction_id, d.symbol_id,
    d."timestamp" AS decided_at, d.published_at AS told_at, d.approved, d.size, d.backtest_session_id,
    coalesce(d.price_source, p.price_source) AS price_source, 'the decision' AS teller, d.inputs,
    p.published_at AS predicted_at, p.inputs AS prediction_inputs
  FROM public.trade_decision d LEFT JOIN public.model_prediction p ON p.prediction_id = d.model_reference
  WHERE d.published_at <= lineage_as_of.known
  UNION ALL
  SELECT p.prediction_id, NULL, p.prediction_id, p.symbol_id, p."timestamp", p.published_at, NULL, NULL,
    p.backtest_session_id, p.price_source, 'the prediction', p.inputs, NULL, NULL
  FROM public.model_prediction p
  WHERE p.published_at <= lineage_as_of.known AND NOT EXISTS (SELECT FROM public.trade_decision d
    WHERE d.model_reference = p.prediction_id AND d.published_at <= lineage_as_of.known)
), step AS NOT MATERIALIZED (
  SELECT s.trace_id, CASE c.kind WHEN 'bar' THEN 1 ELSE 2 END AS rank, c.kind AS step, c.id, NULL::uuid AS parent_id,
    c."timestamp", k.known_at, k.published_at, NULL::timestamptz AS landed_at, coalesce(k.what, 'not on the tape') AS what,
    nullif(concat_ws(', ', CASE WHEN k.what IS NULL THEN 'used by ' || c.teller ELSE nullif(k.note, '') END,
      CASE WHEN k.known_at > s.decided_at
        THEN 'of ' || tradetape.seconds_text(k.known_at, s.decided_at) || ' after the time of ' || s.teller END,
      CASE WHEN k.source <> s.price_source THEN 'of another source than price_source' END,
      CASE WHEN c.symbol_id <> s.symbol_id THEN 'of another symbol' END), '') AS note,
    k.backtest_session_id, NULL::text AS topic, NULL::int AS source_partition, NULL::bigint AS source_offset
  FROM subject s CROSS JOIN LATERAL (
    -- What both name in one revision is the decision's.
    (SELECT DISTINCT ON (n.kind, n.id, n.known_at, n.value) n.kind, n.id, true AS is_used, t.teller, t.told_at,
      n.known_at AS named_at, n.value, p.symbol_id, p."timestamp"
    FROM (VALUES (1, s.teller, s.told_at, s.inputs), (2, 'its prediction', s.predicted_at, s.prediction_inputs))
      t (nth, teller, told_at, inputs)
    CROSS JOIN LATERAL tradetape.named_input(t.inputs) n
    LEFT JOIN LATERAL tradetape.place_of_input(n.kind, n.id, s.symbol_id, s.decided_at) p ON true
    ORDER BY n.kind, n.id, n.known_at, n.value, t.nth)
    UNION ALL
    SELECT l.kind, l.id, false, s.teller, s.told_at, NULL, NULL, s.symbol_id, l."timestamp" FROM (
      SELECT 'bar' AS kind, latest.market_data_id AS id, latest."timestamp" FROM (
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
          AND (s.price_source IS NULL OR w.source = s.price_source)
        GROUP BY w."interval", w.source, w.backtest_session_id
      ) kind CROSS JOIN LATERAL (
        SELECT m.market_data_id, m."timestamp" FROM public.market_data_bar_as_of(lineage_as_of.known) m
        WHERE m.symbol_id = s.symbol_id AND m."timestamp" = kind.at AND m."interval" = kind."interval"
          AND m.source = kind.source AND m.backtest_session_id IS NOT DISTINCT FROM kind.backtest_session_id
        ORDER BY m.market_data_id LIMIT 1
      ) latest
      UNION ALL
      SELECT 'indicator', latest.indicator_id, latest."timestamp" FROM (
        SELECT w.indicator_name, w.period, w.parameters, w.computed_by, max(w."timestamp") AS at FROM (
          -- Not IS NOT DISTINCT FROM, whose rows the planner takes for so few that it would sort them.
          (SELECT t.indicator_name, t.period, t.parameters, t.computed_by, t."timestamp" FROM public.technical_indicator t
          WHERE t.symbol_id = s.symbol_id AND t."timestamp" <= s.decided_at AND t."timestamp" > s.decided_at - interval '408 h'
            AND (t.backtest_session_id = s.backtest_session_id OR t.backtest_session_id IS NULL AND s.backtest_session_id IS NULL)
            AND coalesce(t.published_at, '-infinity') <= lineage_as_of.known
          ORDER BY t."timestamp" DESC LIMIT 5000)
          UNION ALL
          (SELECT r.indicator_name, r.period, r.parameters, r.computed_by, r."timestamp"
          FROM public.technical_indicator_revision r
          WHERE r.symbol_id = s.symbol_id AND r."timestamp" <= s.decided_at AND r."timestamp" > s.decided_at - interval '408 h'
            AND (r.backtest_session_id = s.backtest_session_id OR r.backtest_session_id IS NULL AND s.backtest_session_id IS NULL)
            AND coalesce(r.published_at, '-infinity') <= lineage_as_of.known AND lineage_as_of.known < r.known_to
          ORDER BY r."timestamp" DESC LIMIT 5000)
        ) w WHERE s.price_source IS NULL OR coalesce(w.parameters ->> 'source', s.price_source) = s.price_source
        GROUP BY w.indicator_name, w.period, w.parameters, w.computed_by
      ) kind CROSS JOIN LATERAL (
        SELECT t.indicator_id, t."timestamp" FROM public.technical_indicator_as_of(lineage_as_of.known) t
        WHERE t.symbol_id = s.symbol_id AND t."timestamp" = kind.at AND t.indicator_name = kind.indicator_name
          AND t.period IS NOT DISTINCT FROM kind.period AND t.parameters IS NOT DISTINCT FROM kind.parameters
          AND t.computed_by = kind.computed_by AND t.backtest_session_id IS NOT DISTINCT FROM s.backtest_session_id
        ORDER BY t.indicator_id LIMIT 1
      ) latest
    ) l WHERE NOT EXISTS (SELECT FROM (VALUES (s.inputs), (s.prediction_inputs)) t (inputs)
      CROSS JOIN LATERAL tradetape.named_input(t.inputs) n WHERE n.id = l.id)
  ) c LEFT JOIN LATERAL tradetape.shown_content(c.kind, c.symbol_id, c."timestamp", c.id, c.teller, c.told_at, c.is_used,
    c.named_at, c.value, lineage_as_of.known) k ON true
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
      CASE WHEN f.status = 'FILLED' AND NOT s.approved THEN 'of a decision that was not approved' END,
      -- By more than a rounding, as the rule within_decision_size has it.
      CASE WHEN f.status = 'FILLED' AND f.filled - s.size > 1e-9 * f.filled
        THEN format('more than was decided: %s of %s', tradetape.number_text(f.filled), tradetape.number_text(s.size)) END), ''),
    f.backtest_session_id, 'fills', f.source_partition, f.source_offset
  FROM subject s CROSS JOIN LATERAL (
    SELECT e.*, sum(e.quantity) FILTER (WHERE e.status = 'FILLED')
      OVER (ORDER BY e."timestamp", e.source_partition, e.source_offset) AS filled
    FROM public.trade_execution e WHERE e.decision_id = s.decision_id AND e.published_at <= lineage_as_of.known
  ) f
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
COMMENT ON VIEW public.lineage IS 'WHERE trace_id = a decision''s id, or that of a prediction without one. Bars and indicators: those that the decision or its prediction names, in the revision that was named; and the last of each kind complete by the decision''s time, of its price_source, of its own session (bars also without one), no older than 408 hours and among the last 5,000 rows, with the values that were known when the broker had the decision. lineage_as_of(a time) is the same as it was then.';
COMMENT ON COLUMN public.lineage."timestamp" IS
  'The event''s own time; null of an input that is not on the tape. [UTC]';
COMMENT ON COLUMN public.lineage.known_at IS
  'When it could be known: the end of a bar, else its own time; null of an input that is not on the tape. [UTC]';
COMMENT ON COLUMN public.lineage.note IS
  'What to bear in mind: a bar or an indicator was used, and in another revision than was known then; it was first known, or got another value, after the broker had the decision; it lies after the decision, or is of another source or symbol; a fill lies before its decision, or a prediction after it; a fill or prediction is of another symbol, a fill of a decision that was not approved, or more than was decided.';
