-- What a view or a function says doesn't depend on who asks: on the TimeZone, DateStyle or extra_float_digits of a session, which
-- ALTER DATABASE and ALTER ROLE set for everybody. A day of a time zone has 23 to 25 hours, so lengths are hours, and
-- months are counted in UTC. `any-session.flow` asks every view and function by various settings.
SET LOCAL ROLE tradetape_owner;

-- It printed the bounds of a partition by the session's settings, which some sessions can't read again, as under German, YMD.
ALTER FUNCTION tradetape.make_day(text, date) SET TimeZone = 'UTC';
ALTER FUNCTION tradetape.make_day(text, date) SET DateStyle = 'ISO, MDY';

-- The end of a bar that doesn't say it, by its length, as src/feed/interval.ts writes lengths. Null for any other, and
-- for days that don't begin at midnight in UTC, as a zone's: when such a bar ended nobody knows. Neither strict nor immutable nor with settings of its own, or it would not be inlined: it is asked of
-- thousands of rows a trace, most of them of the usual lengths.
CREATE FUNCTION tradetape.bar_end(starts timestamptz, name text) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE name WHEN '1min' THEN starts + interval '1 min' WHEN '5min' THEN starts + interval '5 min'
    WHEN '15min' THEN starts + interval '15 min' WHEN '1h' THEN starts + interval '1 h' WHEN '1s' THEN starts + interval '1 s'
    WHEN '1d' THEN CASE WHEN starts = date_trunc('day', starts, 'UTC') THEN starts + interval '24 h' END
    ELSE CASE WHEN name ~ '^[1-9][0-9]{0,3}(s|min|h)$'
        OR name ~ '^[1-9][0-9]{0,3}(d|w|mo)$' AND starts = date_trunc('day', starts, 'UTC')
      THEN (starts AT TIME ZONE 'UTC' + replace(name, 'mo', ' mon')::interval) AT TIME ZONE 'UTC' END END
$$;
COMMENT ON FUNCTION tradetape.bar_end(timestamptz, text) IS
  'The end of a bar by its start and its length, as 1min, 1d or 1mo, in UTC; null for a length of another form, and for days of a zone.';

-- As few digits as tell the number from every other.
CREATE FUNCTION tradetape.number_text(value double precision) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET extra_float_digits = 1 AS $$
BEGIN
  RETURN value::text;
END
$$;
COMMENT ON FUNCTION tradetape.number_text(double precision) IS
  'A number in the fewest digits that tell it from every other, whatever the session''s extra_float_digits.';
GRANT EXECUTE ON FUNCTION tradetape.bar_end(timestamptz, text), tradetape.number_text(double precision)
  TO tradetape_lander, tradetape_reader;
