-- The rules of schemas/rules.json hold for every writer: each is a CHECK of its name on the table of its topic. NOT VALID,
-- because a row that landed before its rule must not stop this migration, nor has the table to be read for it: new rows are
-- checked all the same. docs/operations.md says how to find old rows that break a rule, and how to validate.
SET LOCAL ROLE tradetape_owner;

ALTER TABLE public.symbol RENAME CONSTRAINT symbol_ticker_check TO ticker_not_empty;

ALTER TABLE public.backtest_session ADD CONSTRAINT session_in_order CHECK (ended_at >= started_at) NOT VALID;

ALTER TABLE public.market_data RENAME CONSTRAINT market_data_timestamp_ns TO timestamp_ns_in_range;
ALTER TABLE public.market_data RENAME CONSTRAINT market_data_volume TO volume_not_negative;
ALTER TABLE public.market_data ADD CONSTRAINT source_not_empty CHECK (source <> '') NOT VALID;
ALTER TABLE public.market_data_tick ADD CONSTRAINT trade_id_not_empty CHECK (trade_id <> '') NOT VALID;
ALTER TABLE public.market_data_bar
  ADD CONSTRAINT interval_not_empty CHECK ("interval" <> '') NOT VALID,
  ADD CONSTRAINT interval_not_tick CHECK ("interval" <> 'tick') NOT VALID,
  ADD CONSTRAINT high_not_below_low CHECK (high >= low) NOT VALID;

ALTER TABLE public.technical_indicator
  ADD CONSTRAINT indicator_name_not_empty CHECK (indicator_name <> '') NOT VALID,
  ADD CONSTRAINT computed_by_not_empty CHECK (computed_by <> '') NOT VALID,
  ADD CONSTRAINT period_not_negative CHECK (period >= 0) NOT VALID;

ALTER TABLE public.model_prediction RENAME CONSTRAINT model_prediction_probability_up_check TO probability_up_in_range;
ALTER TABLE public.model_prediction RENAME CONSTRAINT model_prediction_confidence_score_check TO confidence_score_in_range;
ALTER TABLE public.model_prediction ADD CONSTRAINT model_version_not_empty CHECK (model_version <> '') NOT VALID;

ALTER TABLE public.trade_decision RENAME CONSTRAINT trade_decision_size_check TO size_not_negative;
ALTER TABLE public.trade_decision ADD CONSTRAINT hold_has_no_size CHECK (action <> 'HOLD' OR size = 0) NOT VALID;

-- The quantity of each status has a rule of its own, so that none is left for negative ones.
ALTER TABLE public.trade_execution
  DROP CONSTRAINT trade_execution_quantity_check,
  ADD CONSTRAINT broker_not_empty CHECK (broker <> '') NOT VALID,
  ADD CONSTRAINT filled_has_price CHECK (status <> 'FILLED' OR executed_price IS NOT NULL) NOT VALID,
  ADD CONSTRAINT filled_has_quantity CHECK (status <> 'FILLED' OR quantity > 0) NOT VALID,
  ADD CONSTRAINT rejected_has_no_quantity CHECK (status <> 'REJECTED' OR quantity = 0) NOT VALID,
  ADD CONSTRAINT canceled_has_no_quantity CHECK (status <> 'CANCELED' OR quantity = 0) NOT VALID;

ALTER TABLE public.strategy_performance RENAME CONSTRAINT strategy_performance_check TO window_in_order;
ALTER TABLE public.strategy_performance RENAME CONSTRAINT strategy_performance_total_trades_check TO total_trades_not_negative;
ALTER TABLE public.strategy_performance RENAME CONSTRAINT strategy_performance_win_rate_check TO win_rate_in_range;

ALTER TABLE public.audit_log
  ADD CONSTRAINT event_type_not_empty CHECK (event_type <> '') NOT VALID,
  ADD CONSTRAINT actor_not_empty CHECK (actor <> '') NOT VALID,
  ADD CONSTRAINT source_partition_not_negative CHECK (source_partition >= 0) NOT VALID,
  ADD CONSTRAINT source_offset_not_negative CHECK (source_offset >= 0) NOT VALID;
