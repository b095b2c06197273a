-- What was known when. A row whose content an event replaces moves into <table>_revision, with the time until which it was
-- known; <table>_as_of(a time) gives the rows as they were known then. Known is what the broker had: its time of a record is
-- the same in every database that is filled from the topics, and no consumer's delay is in it.
SET LOCAL ROLE tradetape_owner;

-- Null in a tick's row, which no event ever replaces, and in rows that landed before this migration: when those became
-- known was not kept.
ALTER TABLE public.market_data ADD COLUMN published_at timestamptz;
ALTER TABLE public.technical_indicator ADD COLUMN published_at timestamptz;
ALTER TABLE public.symbol ADD COLUMN published_at timestamptz;
ALTER TABLE public.backtest_session ADD COLUMN published_at timestamptz;

-- replaced = superseded + what lost against a greater revision. Of what was replaced before, nothing was kept: 0.
ALTER TABLE tradetape.landed_batch
  ADD COLUMN superseded bigint NOT NULL DEFAULT 0,
  ADD CONSTRAINT landed_batch_superseded CHECK (superseded BETWEEN 0 AND replaced);
COMMENT ON COLUMN tradetape.landed_batch.superseded IS
  'Events among replaced that moved the row before them into its table''s _revision. [records]';

COMMENT ON COLUMN public.market_data.published_at IS
  'When the broker had the bar''s event, which is when it was known; null in ticks, and of bars that landed before this was kept. [UTC]';
COMMENT ON COLUMN public.market_data_tick.published_at IS 'Null: a tick is never replaced. [UTC]';
COMMENT ON COLUMN public.market_data_bar.published_at IS
  'When the broker had the event that first told this content, never before that of the content it replaced; null: it landed before this was kept. [UTC]';
COMMENT ON COLUMN public.technical_indicator.published_at IS
  'When the broker had the event that first told this content, never before that of the content it replaced; null: it landed before this was kept. [UTC]';
COMMENT ON COLUMN public.symbol.published_at IS
  'When the broker had the event that first told this content, never before that of the content it replaced; null: it landed before this was kept. [UTC]';
COMMENT ON COLUMN public.backtest_session.published_at IS
  'When the broker had the event that first told this content, never before that of the content it replaced; null: it landed before this was kept. [UTC]';
COMMENT ON COLUMN public.strategy_performance.published_at IS
  'When the broker had the event that first told this content, never before that of the content it replaced. [UTC]';

-- Makes <table>_revision and <table>_as_of, or brings them up to the table's columns: a migration that adds a column to a
-- table with revisions calls it again.
CREATE FUNCTION tradetape.keep_revisions(of_table text, VARIADIC key text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  revision text := of_table || '_revision';
  col record;
  columns text;
BEGIN
  IF to_regclass(format('public.%I', revision)) IS NULL THEN
    EXECUTE format('CREATE TABLE public.%I (LIKE public.%I INCLUDING DEFAULTS INCLUDING COMMENTS, known_to timestamptz NOT NULL, '
      'successor_partition integer NOT NULL, successor_offset bigint NOT NULL)', revision, of_table);
    EXECUTE format('CREATE INDEX %I ON public.%I (%s)', revision || '_key', revision,
      (SELECT string_agg(quote_ident(name), ', ' ORDER BY n) FROM unnest(key) WITH ORDINALITY AS k (name, n)));
    EXECUTE format('GRANT SELECT ON public.%I TO tradetape_lander, tradetape_reader', revision);
    EXECUTE format('GRANT INSERT ON public.%I TO tradetape_lander', revision);
    EXECUTE format('COMMENT ON TABLE public.%I IS %L', revision,
      'What rows of ' || of_table || ' said before an event replaced their content, each until known_to. Rows are only ever added.');
    EXECUTE format('COMMENT ON COLUMN public.%I.known_to IS %L', revision,
      'When the broker had the event that replaced this content: it was known until then. [UTC]');
    EXECUTE format('COMMENT ON COLUMN public.%I.successor_partition IS %L', revision,
      'The partition of the topic that the replacing event came by.');
    EXECUTE format('COMMENT ON COLUMN public.%I.successor_offset IS %L', revision,
      'The offset of the replacing event in that partition.');
  END IF;
  FOR col IN
    SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, col_description(a.attrelid, a.attnum) AS comment
    FROM pg_attribute a
    WHERE a.attrelid = format('public.%I', of_table)::regclass AND a.attnum > 0 AND NOT a.attisdropped
      AND NOT EXISTS (SELECT FROM pg_attribute r WHERE r.attrelid = format('public.%I', revision)::regclass
        AND r.attname = a.attname AND NOT r.attisdropped)
    ORDER BY a.attnum
  LOOP
    EXECUTE format('ALTER TABLE public.%I ADD COLUMN %I %s', revision, col.name, col.type);
    EXECUTE format('COMMENT ON COLUMN public.%I.%I IS %L', revision, col.name, col.comment);
  END LOOP;
  SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) INTO columns FROM pg_attribute a
    WHERE a.attrelid = format('public.%I', of_table)::regclass AND a.attnum > 0 AND NOT a.attisdropped;
  -- Neither strict nor with a search path of its own, or it would not be inlined, and would read both tables whole. So would
  -- conditions within the UNION's parts: a join looks up by key and time only in parts that have none.
  EXECUTE format($sql$
    CREATE OR REPLACE FUNCTION public.%1$I(known timestamptz) RETURNS SETOF public.%2$I
    LANGUAGE sql STABLE PARALLEL SAFE AS $body$
      SELECT %4$s FROM (
        SELECT %4$s, NULL::timestamptz AS known_to FROM public.%2$I UNION ALL SELECT %4$s, known_to FROM public.%3$I
      ) told WHERE (published_at <= known OR published_at IS NULL) AND (known < known_to OR known_to IS NULL)
    $body$ $sql$, of_table || '_as_of', of_table, revision, columns);
  EXECUTE format('COMMENT ON FUNCTION public.%I(timestamptz) IS %L', of_table || '_as_of',
    'Rows of ' || of_table || ' as they were known at a time. A row whose published_at is null landed before that was kept, and is given for every time.');
  EXECUTE format('GRANT EXECUTE ON FUNCTION public.%I(timestamptz) TO tradetape_lander, tradetape_reader', of_table || '_as_of');
END
$$;
REVOKE ALL ON FUNCTION tradetape.keep_revisions(text, text[]) FROM PUBLIC;
COMMENT ON FUNCTION tradetape.keep_revisions(text, text[]) IS
  'For migrations: makes a table''s _revision and _as_of, or gives them the columns that the table has got since.';

SELECT tradetape.keep_revisions('market_data_bar', 'symbol_id', 'timestamp', 'market_data_id');
SELECT tradetape.keep_revisions('technical_indicator', 'symbol_id', 'timestamp', 'indicator_id');
SELECT tradetape.keep_revisions('symbol', 'symbol_id');
SELECT tradetape.keep_revisions('backtest_session', 'backtest_session_id');
SELECT tradetape.keep_revisions('strategy_performance', 'performance_id');
