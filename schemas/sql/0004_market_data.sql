-- Ticks and bars are one logical table. Ticks are partitioned again by UTC day, bars are the default branch. The unique
-- index is per branch (ON CONFLICT through the root fails), leads with symbol and time, and is the look-up index, too.
-- No foreign keys here: one halves the landing rate; `verify` lists rows of unknown symbols instead.
SET LOCAL ROLE tradetape_owner;

CREATE TABLE public.market_data (
  market_data_id uuid NOT NULL,
  symbol_id uuid NOT NULL,
  "timestamp" timestamptz NOT NULL,
  open double precision,
  high double precision,
  low double precision,
  close double precision NOT NULL,
  volume double precision NOT NULL,
  "interval" text NOT NULL,
  source text NOT NULL,
  backtest_session_id uuid,
  trade_id text,
  venue text,
  conditions text[],
  timestamp_ns smallint NOT NULL DEFAULT 0,
  received_at timestamptz,
  revised_at timestamptz,
  CONSTRAINT market_data_timestamp_ns CHECK (timestamp_ns BETWEEN 0 AND 999),
  CONSTRAINT market_data_volume CHECK (volume >= 0)
) PARTITION BY LIST ("interval");

CREATE TABLE public.market_data_tick PARTITION OF public.market_data FOR VALUES IN ('tick')
  PARTITION BY RANGE ("timestamp");
ALTER TABLE public.market_data_tick ALTER COLUMN "interval" SET DEFAULT 'tick';
CREATE UNIQUE INDEX market_data_tick_key ON public.market_data_tick (symbol_id, "timestamp", market_data_id);
CREATE INDEX market_data_tick_time ON public.market_data_tick USING brin ("timestamp");

CREATE TABLE public.market_data_bar PARTITION OF public.market_data DEFAULT;
CREATE UNIQUE INDEX market_data_bar_key ON public.market_data_bar (symbol_id, "timestamp", market_data_id);
CREATE INDEX market_data_bar_time ON public.market_data_bar USING brin ("timestamp");
ALTER TABLE public.market_data_bar ALTER COLUMN open SET NOT NULL;
ALTER TABLE public.market_data_bar ALTER COLUMN high SET NOT NULL;
ALTER TABLE public.market_data_bar ALTER COLUMN low SET NOT NULL;
ALTER TABLE public.market_data_bar ALTER COLUMN revised_at SET NOT NULL;

CREATE TABLE public.technical_indicator (
  indicator_id uuid NOT NULL,
  symbol_id uuid NOT NULL,
  "timestamp" timestamptz NOT NULL,
  indicator_name text NOT NULL,
  indicator_value double precision NOT NULL,
  period integer,
  parameters jsonb,
  computed_by text NOT NULL,
  backtest_session_id uuid,
  revised_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX technical_indicator_key ON public.technical_indicator (symbol_id, "timestamp", indicator_id);
CREATE INDEX technical_indicator_time ON public.technical_indicator USING brin ("timestamp");

CREATE VIEW public.tick AS
SELECT market_data_id, symbol_id, "timestamp", timestamp_ns, close AS price, volume AS size, source, trade_id, venue,
       conditions, received_at, backtest_session_id
FROM public.market_data_tick;

-- LIKE + ATTACH, not CREATE ... PARTITION OF: that one waits behind a running landing. ATTACH builds the branch's
-- indexes on the empty leaf. The advisory lock lets two consumers ask for the same day.
CREATE FUNCTION tradetape.make_tick_day(day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  leaf text := 'market_data_tick_' || to_char(day, 'YYYYMMDD');
  starts timestamptz := day::timestamp AT TIME ZONE 'UTC';
  ends timestamptz := (day + 1)::timestamp AT TIME ZONE 'UTC';
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('tradetape.make_tick_day', 0));
  IF to_regclass(format('public.%I', leaf)) IS NOT NULL THEN
    RETURN false;
  END IF;
  EXECUTE format('CREATE TABLE public.%I (LIKE public.market_data_tick INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', leaf);
  EXECUTE format('ALTER TABLE public.market_data_tick ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)', leaf, starts, ends);
  RETURN true;
END
$$;
REVOKE ALL ON FUNCTION tradetape.make_tick_day(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tradetape.make_tick_day(date) TO tradetape_lander;

GRANT SELECT ON public.market_data, public.market_data_tick, public.market_data_bar, public.technical_indicator, public.tick
  TO tradetape_lander, tradetape_reader;
GRANT INSERT ON public.market_data_tick TO tradetape_lander;
GRANT INSERT, UPDATE ON public.market_data_bar, public.technical_indicator TO tradetape_lander;
