-- Best bids and asks. Like ticks: no foreign keys, because one halves the landing rate, and a unique index that leads with
-- symbol and time, so that it is the look-up index, too. Crossed and locked quotes are real: nothing compares bid and ask. CHECKs
-- have the names of their rules in schemas/rules.json.
SET LOCAL ROLE tradetape_owner;

CREATE TABLE public.quote (
  quote_id uuid NOT NULL,
  symbol_id uuid NOT NULL,
  "timestamp" timestamptz NOT NULL,
  timestamp_ns smallint NOT NULL DEFAULT 0,
  bid_price double precision,
  bid_size double precision,
  ask_price double precision,
  ask_size double precision,
  source text NOT NULL,
  sequence text,
  venue text,
  conditions text[],
  received_at timestamptz,
  backtest_session_id uuid,
  CONSTRAINT source_not_empty CHECK (source <> ''),
  CONSTRAINT some_side_given CHECK (bid_price IS NOT NULL OR ask_price IS NOT NULL),
  CONSTRAINT bid_size_has_price CHECK (bid_price IS NOT NULL OR bid_size IS NULL),
  CONSTRAINT ask_size_has_price CHECK (ask_price IS NOT NULL OR ask_size IS NULL),
  CONSTRAINT bid_size_not_negative CHECK (bid_size >= 0),
  CONSTRAINT ask_size_not_negative CHECK (ask_size >= 0),
  CONSTRAINT sequence_not_empty CHECK (sequence <> ''),
  CONSTRAINT timestamp_ns_in_range CHECK (timestamp_ns BETWEEN 0 AND 999)
) PARTITION BY RANGE ("timestamp");
CREATE UNIQUE INDEX quote_key ON public.quote (symbol_id, "timestamp", quote_id);
CREATE INDEX quote_time ON public.quote USING brin ("timestamp");

INSERT INTO tradetape.day_table (table_name) VALUES ('quote');

GRANT SELECT ON public.quote TO tradetape_lander, tradetape_reader;
GRANT INSERT ON public.quote TO tradetape_lander;

COMMENT ON TABLE public.quote IS
  'The best bid and ask of an instrument at one time, with a partition per UTC day. The first event of an id stays.';
COMMENT ON COLUMN public.quote.quote_id IS 'UUID version 5 of the quote''s natural key (schemas/ids.json).';
COMMENT ON COLUMN public.quote.symbol_id IS 'The instrument: UUID version 5 of (ticker, exchange).';
COMMENT ON COLUMN public.quote."timestamp" IS 'When it was quoted, UTC. [UTC]';
COMMENT ON COLUMN public.quote.timestamp_ns IS 'The nanoseconds 0 to 999 below the microsecond. [ns]';
COMMENT ON COLUMN public.quote.bid_price IS
  'The best bid''s price, which may be negative; null when nobody bids. It may lie above ask_price (crossed) or on it '
  '(locked). [quote currency]';
COMMENT ON COLUMN public.quote.bid_size IS
  'The size at bid_price; null when nobody bids, or the feed tells no sizes. [units of the instrument]';
COMMENT ON COLUMN public.quote.ask_price IS
  'The best ask''s price, which may be negative; null when nobody asks. Not both prices are null. [quote currency]';
COMMENT ON COLUMN public.quote.ask_size IS
  'The size at ask_price; null when nobody asks, or the feed tells no sizes. [units of the instrument]';
COMMENT ON COLUMN public.quote.source IS 'The feed or data set it comes from.';
COMMENT ON COLUMN public.quote.sequence IS
  'The feed''s number of the quote, where no other quote of the source, instrument, venue and UTC day has it.';
COMMENT ON COLUMN public.quote.venue IS 'The venue''s code in the feed.';
COMMENT ON COLUMN public.quote.conditions IS 'Quote conditions as the feed gives them.';
COMMENT ON COLUMN public.quote.received_at IS
  'When the feed handed the event to us; not part of its content. [UTC]';
COMMENT ON COLUMN public.quote.backtest_session_id IS 'The session this event belongs to; null is live trading.';
