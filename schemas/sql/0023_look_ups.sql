-- Look-ups by an id alone, a time alone, a workflow. An id is random, so a B-tree of millions of them costs the landing half its
-- rate; a filter per 16 pages, beside the bounds of time that BRIN kept before, costs it nothing: autovacuum makes it behind
-- the landing. Pages that it hasn't come to yet are read.
SET LOCAL ROLE tradetape_owner;

DROP INDEX public.market_data_tick_time, public.market_data_bar_time, public.technical_indicator_time, public.quote_time;
CREATE INDEX market_data_tick_time ON public.market_data_tick
  USING brin ("timestamp", market_data_id uuid_bloom_ops (n_distinct_per_range = 800)) WITH (pages_per_range = 16);
CREATE INDEX market_data_bar_time ON public.market_data_bar
  USING brin ("timestamp", market_data_id uuid_bloom_ops (n_distinct_per_range = 800)) WITH (pages_per_range = 16);
CREATE INDEX technical_indicator_time ON public.technical_indicator
  USING brin ("timestamp", indicator_id uuid_bloom_ops (n_distinct_per_range = 1000)) WITH (pages_per_range = 16);
CREATE INDEX quote_time ON public.quote
  USING brin ("timestamp", quote_id uuid_bloom_ops (n_distinct_per_range = 800)) WITH (pages_per_range = 16);

CREATE INDEX model_prediction_time ON public.model_prediction ("timestamp");
CREATE INDEX trade_decision_time ON public.trade_decision ("timestamp");
CREATE INDEX trade_execution_time ON public.trade_execution ("timestamp");
DROP INDEX public.trade_decision_strategy;
CREATE INDEX trade_decision_strategy ON public.trade_decision (strategy_id, "timestamp");
CREATE INDEX audit_log_correlation ON public.audit_log (correlation_id) WHERE correlation_id IS NOT NULL;

-- The planner takes a filter of random ids for useless, and a scan of the table for cheaper.
CREATE FUNCTION public.row_of(id uuid) RETURNS TABLE (kind text, symbol_id uuid, "timestamp" timestamptz, backtest_session_id uuid)
LANGUAGE plpgsql STABLE SET enable_seqscan = off SET max_parallel_workers_per_gather = 0 SET jit = off AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY SELECT 'bar', m.symbol_id, m."timestamp", m.backtest_session_id
    FROM public.market_data_bar m WHERE m.market_data_id = row_of.id;
  IF FOUND THEN RETURN; END IF;
  RETURN QUERY SELECT 'indicator', t.symbol_id, t."timestamp", t.backtest_session_id
    FROM public.technical_indicator t WHERE t.indicator_id = row_of.id;
  IF FOUND THEN RETURN; END IF;
  RETURN QUERY SELECT 'tick', m.symbol_id, m."timestamp", m.backtest_session_id
    FROM public.market_data_tick m WHERE m.market_data_id = row_of.id;
  IF FOUND THEN RETURN; END IF;
  RETURN QUERY SELECT 'quote', q.symbol_id, q."timestamp", q.backtest_session_id
    FROM public.quote q WHERE q.quote_id = row_of.id;
END
$$;
COMMENT ON FUNCTION public.row_of(uuid) IS
  'What has an id among bars, indicators, ticks and quotes, whose keys begin with symbol_id and timestamp: the way to its row.';
GRANT EXECUTE ON FUNCTION public.row_of(uuid) TO tradetape_lander, tradetape_reader;
