-- When a bar ends, and when the trades were made that gave its open and close. The branch of ticks has every column of the
-- root, so it gets these, too: a tick's COPY doesn't name them, and the bits of its row that say which columns are null
-- still fit the three bytes that they had. CHECKs have the names of their rules in schemas/rules.json; no bar of before
-- has any of the times, so each holds for every row and none is NOT VALID.
SET LOCAL ROLE tradetape_owner;

ALTER TABLE public.market_data
  ADD COLUMN ends_at timestamptz,
  ADD COLUMN first_trade_at timestamptz,
  ADD COLUMN last_trade_at timestamptz;
ALTER TABLE public.market_data_bar
  ADD CONSTRAINT start_before_end CHECK ("timestamp" < ends_at),
  ADD CONSTRAINT first_trade_not_before_start CHECK (first_trade_at >= "timestamp"),
  ADD CONSTRAINT first_trade_before_end CHECK (first_trade_at < ends_at),
  ADD CONSTRAINT last_trade_not_before_start CHECK (last_trade_at >= "timestamp"),
  ADD CONSTRAINT last_trade_not_before_first CHECK (last_trade_at >= first_trade_at),
  ADD CONSTRAINT last_trade_before_end CHECK (last_trade_at < ends_at);

COMMENT ON COLUMN public.market_data.ends_at IS
  'The END of a bar, not counted in; null where nobody knows it, and for a tick. [UTC]';
COMMENT ON COLUMN public.market_data.first_trade_at IS
  'When the trade that gave a bar''s open was made; null for a tick. [UTC]';
COMMENT ON COLUMN public.market_data.last_trade_at IS
  'When the trade that gave a bar''s close was made; null for a tick. [UTC]';
COMMENT ON COLUMN public.market_data_tick.ends_at IS 'Null: a tick has none.';
COMMENT ON COLUMN public.market_data_tick.first_trade_at IS 'Null: a tick has none.';
COMMENT ON COLUMN public.market_data_tick.last_trade_at IS 'Null: a tick has none.';
COMMENT ON COLUMN public.market_data_bar.ends_at IS
  'The END of the bar, not counted in, UTC; null where nobody knows it. [UTC]';
COMMENT ON COLUMN public.market_data_bar.first_trade_at IS
  'When the trade that gave open was made; null where the source tells no trades. [UTC]';
COMMENT ON COLUMN public.market_data_bar.last_trade_at IS
  'When the trade that gave close was made; null where the source tells no trades. [UTC]';
