-- Day partitions for every table that is named here, where 0004 and 0009 knew ticks alone. A migration that adds a table
-- partitioned by the UTC day of one column names it here. make_day serves no other table, because every lander may call
-- it, with the owner's rights.
SET LOCAL ROLE tradetape_owner;

CREATE TABLE tradetape.day_table (
  table_name text PRIMARY KEY,
  keep_from date,
  moved_at timestamptz,
  moved_by text,
  CONSTRAINT day_table_moved CHECK (num_nulls(keep_from, moved_at, moved_by) IN (0, 3))
);
COMMENT ON TABLE tradetape.day_table IS
  'Tables with a partition per UTC day. Rows of days before keep_from were dropped, and are filtered when they come again; it never moves back.';
GRANT SELECT ON tradetape.day_table TO tradetape_lander, tradetape_reader, tradetape_ops;

INSERT INTO tradetape.day_table (table_name) VALUES ('market_data_tick');
UPDATE tradetape.day_table d SET keep_from = h.horizon, moved_at = h.moved_at, moved_by = h.moved_by
FROM tradetape.tick_horizon h;
DROP FUNCTION tradetape.make_tick_day(date);
DROP TABLE tradetape.tick_horizon;

-- Whether it made the partition: false when it is there, null for a day before keep_from, whose events the lander
-- filters. The row's lock makes a second consumer wait that asks for the same day, and whoever moves keep_from, so that
-- no partition before it is made afterwards. LIKE + ATTACH, because CREATE ... PARTITION OF waits for running landings.
CREATE FUNCTION tradetape.make_day(of_table text, day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  leaf text := of_table || '_' || to_char(day, 'YYYYMMDD');
  starts timestamptz := day::timestamp AT TIME ZONE 'UTC';
  ends timestamptz := (day + 1)::timestamp AT TIME ZONE 'UTC';
  kept_from date;
BEGIN
  SELECT d.keep_from INTO kept_from FROM tradetape.day_table d WHERE d.table_name = of_table FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'tradetape.day_table does not name %', of_table USING ERRCODE = 'wrong_object_type';
  END IF;
  IF day < kept_from THEN
    RETURN NULL;
  END IF;
  IF to_regclass(format('public.%I', leaf)) IS NOT NULL THEN
    RETURN false;
  END IF;
  EXECUTE format('CREATE TABLE public.%I (LIKE public.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', leaf, of_table);
  EXECUTE format('ALTER TABLE public.%I ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)', of_table, leaf, starts, ends);
  RETURN true;
END
$$;
REVOKE ALL ON FUNCTION tradetape.make_day(text, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tradetape.make_day(text, date) TO tradetape_lander;
