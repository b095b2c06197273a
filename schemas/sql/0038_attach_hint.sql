-- Where a day was detached by hand, make_day says the whole statement that attaches it again.
SET LOCAL ROLE tradetape_owner;

CREATE OR REPLACE FUNCTION tradetape.make_day(of_table text, day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET TimeZone = 'UTC' SET DateStyle = 'ISO, MDY' AS $$
DECLARE
  leaf text := of_table || '_' || to_char(day, 'YYYYMMDD');
  starts timestamptz := day::timestamp AT TIME ZONE 'UTC';
  ends timestamptz := (day + 1)::timestamp AT TIME ZONE 'UTC';
  kept_from date;
  attach text := format('ALTER TABLE public.%I ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)', of_table, leaf, starts, ends);
  finalize text;
BEGIN
  SELECT d.keep_from INTO kept_from FROM tradetape.day_table d WHERE d.table_name = of_table FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'tradetape.day_table does not name %', of_table USING ERRCODE = 'wrong_object_type';
  END IF;
  IF day < kept_from THEN
    RETURN NULL;
  END IF;
  IF to_regclass(format('public.%I', leaf)) IS NOT NULL THEN
    IF NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = to_regclass(format('public.%I', leaf))
        AND i.inhparent = to_regclass(format('public.%I', of_table)) AND NOT i.inhdetachpending) THEN
      SELECT format(E'ALTER TABLE public.%I DETACH PARTITION public.%I FINALIZE;\n', of_table, leaf) INTO finalize
        FROM pg_inherits i WHERE i.inhrelid = to_regclass(format('public.%I', leaf)) AND i.inhdetachpending;
      RAISE EXCEPTION '% has the name of a partition of %, and is none', leaf, of_table USING ERRCODE = 'wrong_object_type',
        HINT = format(E'where it is the day, detached by hand, attach it again:\n%s%s;\nwhere it isn''t, give it another name:\n'
          'ALTER TABLE public.%I RENAME TO %I;', finalize, attach, leaf, leaf || '_aside');
    END IF;
    RETURN false;
  END IF;
  EXECUTE format('CREATE TABLE public.%I (LIKE public.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED)',
    leaf, of_table);
  EXECUTE attach;
  RETURN true;
END
$$;
