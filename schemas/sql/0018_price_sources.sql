-- Which prices an event is about, and what it rests on: the source of the bars, the newest information used, its inputs.
-- Null of every row that landed before, and of events of programs that don't tell.
SET LOCAL ROLE tradetape_owner;

ALTER TABLE public.model_prediction
  ADD COLUMN price_source text,
  ADD COLUMN horizon text,
  ADD COLUMN inputs jsonb,
  ADD COLUMN known_until timestamptz,
  ADD COLUMN features_sha256 text,
  ADD CONSTRAINT price_source_not_empty CHECK (price_source <> '');
ALTER TABLE public.trade_decision
  ADD COLUMN price_source text,
  ADD COLUMN decision_price double precision,
  ADD COLUMN inputs jsonb,
  ADD COLUMN known_until timestamptz,
  ADD COLUMN features_sha256 text,
  ADD CONSTRAINT price_source_not_empty CHECK (price_source <> '');
ALTER TABLE public.trade_execution
  ADD COLUMN price_source text,
  ADD COLUMN priced_at timestamptz,
  ADD CONSTRAINT price_source_not_empty CHECK (price_source <> '');

COMMENT ON COLUMN public.model_prediction.price_source IS 'The source of the prices that it is about, as bars name it.';
COMMENT ON COLUMN public.model_prediction.horizon IS
  'How long after its time that which it expects is due, as bars'' lengths are written: 5min, 1d.';
COMMENT ON COLUMN public.model_prediction.inputs IS
  'What it was made of, as JSON: a list of {kind, id, known_at, value}, where the last two need not be told.';
COMMENT ON COLUMN public.model_prediction.known_until IS
  'The time of the newest information used: the end of the latest bar, the time of the latest tick. [UTC]';
COMMENT ON COLUMN public.model_prediction.features_sha256 IS
  'SHA-256, in hex, of the features that it was made of, where they are too many to name.';
COMMENT ON COLUMN public.trade_decision.price_source IS 'The source of the prices that it is about, as bars name it.';
COMMENT ON COLUMN public.trade_decision.decision_price IS
  'The price that the agent saw as it decided. [quote currency]';
COMMENT ON COLUMN public.trade_decision.inputs IS
  'What it was made of, as JSON: a list of {kind, id, known_at, value}, where the last two need not be told.';
COMMENT ON COLUMN public.trade_decision.known_until IS
  'The time of the newest information used: the end of the latest bar, the time of the latest tick. [UTC]';
COMMENT ON COLUMN public.trade_decision.features_sha256 IS
  'SHA-256, in hex, of the features that it was made of, where they are too many to name.';
COMMENT ON COLUMN public.trade_execution.price_source IS 'The source of the price, as bars name it.';
COMMENT ON COLUMN public.trade_execution.priced_at IS
  'The time of the trade or quote that gave the price; of a bar that doesn''t tell it the last microsecond. [UTC]';
COMMENT ON COLUMN public.trade_execution.latency_ms IS
  'From when the order could go to the report, in milliseconds; clocks may make it negative. [ms]';
