-- How long ticks are kept. The horizon is a fact of the database, not a setting of whoever lands: a consumer with another
-- setting, or none, must not bring a dropped day back, whose rows the ledger counts as removed.
SET LOCAL ROLE tradetape_owner;

CREATE TABLE tradetape.tick_horizon (
  only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
  horizon date NOT NULL,
  moved_at timestamptz NOT NULL DEFAULT now(),
  moved_by text NOT NULL
);
COMMENT ON TABLE tradetape.tick_horizon IS 'Ticks of earlier UTC days were dropped, and are filtered when they come again. Never moves back.';
GRANT SELECT ON tradetape.tick_horizon TO tradetape_lander, tradetape_reader, tradetape_ops;

-- As before, and null for a day behind the horizon: who lands filters its events. Whoever moves the horizon takes the
-- same lock, so that no partition behind it is made afterwards.
CREATE OR REPLACE FUNCTION tradetape.make_tick_day(day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  leaf text := 'market_data_tick_' || to_char(day, 'YYYYMMDD');
  starts timestamptz := day::timestamp AT TIME ZONE 'UTC';
  ends timestamptz := (day + 1)::timestamp AT TIME ZONE 'UTC';
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('tradetape.make_tick_day', 0));
  IF EXISTS (SELECT FROM tradetape.tick_horizon h WHERE day < h.horizon) THEN
    RETURN NULL;
  END IF;
  IF to_regclass(format('public.%I', leaf)) IS NOT NULL THEN
    RETURN false;
  END IF;
  EXECUTE format('CREATE TABLE public.%I (LIKE public.market_data_tick INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', leaf);
  EXECUTE format('ALTER TABLE public.market_data_tick ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)', leaf, starts, ends);
  RETURN true;
END
$$;
