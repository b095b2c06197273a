-- Entries of the audit trail are signed by the processes that make them, in a header of their record. Which key it was says the
-- landing, by the keys that it knows. Entries of before have null, and the hash that they had: it covers what isn't null.
SET LOCAL ROLE tradetape_owner;

ALTER TABLE public.audit_log ADD COLUMN signed_by text;
COMMENT ON COLUMN public.audit_log.signed_by IS
  'The name of the key that signed the entry; null where it came unsigned, or where it landed without known keys.';

DROP FUNCTION tradetape.link_entries;

-- Links entries to the log in the order given, each id once and none that it has: by turns, since two writers on one head would
-- fork the chain. What is hashed, and how, src/audit/chain.ts says. `fresh` are the entries that the log didn't have, `linked`
-- those that went in: fewer, where a trigger of somebody's swallows rows.
CREATE FUNCTION tradetape.link_entries(
  log_ids uuid[], times timestamptz[], event_types text[], actors text[], payloads jsonb[], successes boolean[], sessions uuid[],
  correlations text[], topics text[], partitions integer[], offsets bigint[], keys text[], OUT fresh bigint, OUT linked bigint
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  entry record;
  head record;
  went_in bigint;
BEGIN
  LOCK TABLE tradetape.audit_turn IN SHARE ROW EXCLUSIVE MODE;
  fresh := 0;
  linked := 0;
  SELECT a.seq, a.hash INTO head FROM public.audit_log a ORDER BY a.seq DESC LIMIT 1;
  IF NOT FOUND THEN
    SELECT 0::bigint AS seq, decode(repeat('00', 32), 'hex') AS hash INTO head;
  END IF;
  FOR entry IN
    SELECT e.*, (
      SELECT string_agg(CASE WHEN f IS NULL THEN int4send(-1) ELSE int4send(octet_length(bytes)) || bytes END, '' ORDER BY i)
      FROM unnest(ARRAY[e.log_id::text,
        CASE WHEN isfinite(e."timestamp") THEN (extract(epoch FROM e."timestamp") * 1000000)::bigint END::text, e.event_type,
        e.actor, e.payload::text, e.success::text, e.session::text, e.correlation_id, e.source_topic, e.source_partition::text,
        e.source_offset::text] || CASE WHEN e.signed_by IS NOT NULL THEN ARRAY[e.signed_by] END) WITH ORDINALITY AS u (f, i),
        convert_to(f, 'UTF8') AS bytes) AS content
    FROM (
      SELECT DISTINCT ON (g.log_id) g.* FROM unnest(log_ids, times, event_types, actors, payloads, successes, sessions,
        correlations, topics, partitions, offsets, keys) WITH ORDINALITY AS g (log_id, "timestamp", event_type, actor, payload,
        success, session, correlation_id, source_topic, source_partition, source_offset, signed_by, n)
      WHERE NOT EXISTS (SELECT FROM public.audit_log a WHERE a.log_id = g.log_id) ORDER BY g.log_id, g.n
    ) e ORDER BY e.n
  LOOP
    SELECT head.seq + 1 AS seq, sha256(head.hash || entry.content) AS hash, head.hash AS previous INTO head;
    INSERT INTO public.audit_log (log_id, "timestamp", event_type, actor, payload, success, backtest_session_id,
      correlation_id, source_topic, source_partition, source_offset, signed_by, seq, prev_hash, hash)
    VALUES (entry.log_id, entry."timestamp", entry.event_type, entry.actor, entry.payload, entry.success, entry.session,
      entry.correlation_id, entry.source_topic, entry.source_partition, entry.source_offset, entry.signed_by, head.seq,
      head.previous, head.hash);
    GET DIAGNOSTICS went_in = ROW_COUNT;
    fresh := fresh + 1;
    linked := linked + went_in;
  END LOOP;
END
$$;

REVOKE ALL ON FUNCTION tradetape.link_entries FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tradetape.link_entries TO tradetape_lander;
COMMENT ON FUNCTION tradetape.link_entries IS
  'Links entries to the audit log, each with the hash that follows from the one before it.';
