-- Who lands adds to the ledger, the offsets and the audit log through functions alone, which keep the rules of these. A login of
-- tradetape_lander had INSERT on all three and UPDATE of landed_offset, so that it could move a partition past events that it
-- never landed, count less than nothing, and write audit entries at a time and in an order of its choosing. Now a range begins
-- where the partition stands, its counts add up, the server says when, and an entry's hash is made from the chain's head. What a
-- function can't know, whether an event was landed as it was published, `verify` finds out by the topics.
SET LOCAL ROLE tradetape_owner;

-- NOT VALID: what somebody has forged by now doesn't keep a database from being migrated. `verify` names it.
ALTER TABLE tradetape.landed_batch ADD CONSTRAINT landed_batch_counts CHECK (
  least(holes, lost, read, written, duplicate, replaced, dead, filtered, removed) >= 0 AND (parked >= 0 OR kind = 'release')
  AND (kind = 'batch' OR read + holes = 0) AND (kind = 'accepted_loss' OR lost = 0) AND (kind = 'removed' OR removed = 0)
  AND (kind IN ('batch', 'accepted_loss', 'rewound') OR first_offset = next_offset)) NOT VALID;
-- The outbox is published by processes that may write more than whoever lands: it owes nothing to other topics than these two.
ALTER TABLE tradetape.outbox ADD CONSTRAINT outbox_topics CHECK (
  topic IN (regexp_replace(source_topic, '[^.]*$', 'audit'), regexp_replace(source_topic, '[^.]*$', 'dead-letters'))) NOT VALID;
ALTER TABLE tradetape.deed
  DROP CONSTRAINT deed_kind_check,
  ADD CONSTRAINT deed_kind_check CHECK (kind IN ('REDRIVE', 'DISCARD', 'SET_ASIDE', 'SKIP_SCHEMA', 'LOSS_ACCEPTED'));
COMMENT ON TABLE tradetape.deed IS
  'What operators did to letters, and losses that they accepted, as their audit entries say it. Written by functions alone; rows are only ever added.';
COMMENT ON COLUMN tradetape.deed.kind IS 'REDRIVE, DISCARD, SET_ASIDE, SKIP_SCHEMA or LOSS_ACCEPTED: the type of its audit entry.';

-- It selects nothing before it inserts: whoever asks has found no such partition.
CREATE FUNCTION tradetape.claim_partition(of_topic text, of_partition integer, log_start bigint, of_cluster text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF (of_topic ~ '^[A-Za-z0-9._-]{1,249}$' AND of_partition >= 0 AND log_start >= 0) IS NOT TRUE THEN
    RAISE EXCEPTION 'no partition of Kafka begins there' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  INSERT INTO tradetape.landed_offset (topic, partition, next_offset, origin, cluster_id)
    VALUES (of_topic, of_partition, log_start, log_start, of_cluster) ON CONFLICT DO NOTHING;
END
$$;

-- Lowest first, so that two transactions that lock several never wait for each other.
CREATE FUNCTION tradetape.lock_partitions(of_topic text, of_partitions integer[])
RETURNS TABLE (partition integer, next bigint, rewinds integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY SELECT o.partition, o.next_offset, o.rewinds FROM tradetape.landed_offset o
    WHERE o.topic = of_topic AND o.partition = ANY (of_partitions) ORDER BY o.partition FOR UPDATE;
END
$$;

-- Each row of the ledger, and the step of next_offset that it tells of. No row for a partition that isn't where the step begins, or
-- that was rewound since it was read. Losses are accept_loss's, removals and rewinds the owner's.
CREATE FUNCTION tradetape.advance(of_topic text, steps jsonb)
RETURNS TABLE (partition integer, seq bigint, landed_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY WITH moved AS (
    UPDATE tradetape.landed_offset AS landed SET next_offset = given."nextOffset", updated_at = now(),
      last_offset = coalesce(given."lastOffset", landed.last_offset),
      last_digest = coalesce(decode(given."lastDigest", 'hex'), landed.last_digest),
      leader_epoch = CASE given.kind WHEN 'release' THEN landed.leader_epoch ELSE given."leaderEpoch" END,
      topic_id = coalesce(landed.topic_id, given."topicId")
    FROM jsonb_to_recordset(steps) AS given (partition int, kind text, "firstOffset" bigint, "nextOffset" bigint,
      holes bigint, read bigint, written bigint, duplicate bigint, replaced bigint, dead bigint, parked bigint,
      filtered bigint, lost bigint, superseded bigint, detail jsonb, "lastOffset" bigint, "lastDigest" text, "leaderEpoch" int,
      "readAfter" int, "topicId" text)
    WHERE landed.topic = of_topic AND landed.partition = given.partition AND landed.next_offset = given."firstOffset"
      AND landed.rewinds = coalesce(given."readAfter", landed.rewinds) AND given.kind IN ('batch', 'release')
      AND (given."lastOffset" IS NULL OR given."lastOffset" >= given."firstOffset" AND given."lastOffset" < given."nextOffset")
    RETURNING given.*, landed.rewinds
  )
  INSERT INTO tradetape.landed_batch AS b (topic, partition, seq, kind, first_offset, next_offset, holes, read, written,
    duplicate, replaced, dead, parked, filtered, lost, superseded, detail, rewinds, leader_epoch)
  SELECT of_topic, moved.partition, (SELECT coalesce(max(before.seq), 0) + 1 FROM tradetape.landed_batch AS before
      WHERE before.topic = of_topic AND before.partition = moved.partition),
    moved.kind, moved."firstOffset", moved."nextOffset", moved.holes, moved.read, moved.written, moved.duplicate, moved.replaced,
    moved.dead, moved.parked, moved.filtered, moved.lost, moved.superseded, moved.detail, moved.rewinds, moved."leaderEpoch"
  FROM moved RETURNING b.partition, b.seq, b.landed_at;
END
$$;

-- The loss is a deed of the login, so there is none without its audit entry.
CREATE FUNCTION tradetape.accept_loss(
  of_topic text, of_partition integer, from_here bigint, to_here bigint, why text, action uuid, os_name text
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  stood tradetape.landed_offset;
BEGIN
  PERFORM tradetape.require_note(why);
  SELECT * INTO stood FROM tradetape.landed_offset o WHERE o.topic = of_topic AND o.partition = of_partition FOR UPDATE;
  IF (stood.next_offset = from_here AND from_here < to_here) IS NOT TRUE THEN
    RAISE EXCEPTION 'a loss begins at the offset that is next and ends behind it' USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  INSERT INTO tradetape.landed_batch (topic, partition, seq, kind, first_offset, next_offset, lost, detail, rewinds)
    SELECT of_topic, of_partition, coalesce(max(seq), 0) + 1, 'accepted_loss', from_here, to_here, to_here - from_here,
      jsonb_build_object('reason', why, 'actor', session_user, 'os_user', os_name), stood.rewinds
    FROM tradetape.landed_batch b WHERE b.topic = of_topic AND b.partition = of_partition;
  UPDATE tradetape.landed_offset o SET next_offset = to_here, leader_epoch = NULL, updated_at = now()
    WHERE o.topic = of_topic AND o.partition = of_partition;
  PERFORM tradetape.note_deed('LOSS_ACCEPTED', action, os_name, of_topic, of_partition, from_here, NULL,
    jsonb_build_object('from_offset', from_here, 'to_offset', to_here, 'lost', to_here - from_here, 'reason', why));
END
$$;

-- Links entries to the log in the order given, each id once and none that it has: by turns, since two writers on one head would
-- fork the chain. What is hashed, and how, src/audit/chain.ts says. `fresh` are the entries that the log didn't have, `linked`
-- those that went in: fewer, where a trigger of somebody's swallows rows.
CREATE FUNCTION tradetape.link_entries(
  log_ids uuid[], times timestamptz[], event_types text[], actors text[], payloads jsonb[], successes boolean[], sessions uuid[],
  correlations text[], topics text[], partitions integer[], offsets bigint[], OUT fresh bigint, OUT linked bigint
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
        CASE WHEN isfinite(e."timestamp") THEN (extract(epoch FROM e."timestamp") * 1000000)::bigint END::text, e.event_type, e.actor,
        e.payload::text, e.success::text, e.session::text, e.correlation_id, e.source_topic, e.source_partition::text,
        e.source_offset::text]) WITH ORDINALITY AS u (f, i), convert_to(f, 'UTF8') AS bytes) AS content
    FROM (
      SELECT DISTINCT ON (g.log_id) g.* FROM unnest(log_ids, times, event_types, actors, payloads, successes, sessions, correlations,
        topics, partitions, offsets) WITH ORDINALITY AS g (log_id, "timestamp", event_type, actor, payload, success, session,
        correlation_id, source_topic, source_partition, source_offset, n)
      WHERE NOT EXISTS (SELECT FROM public.audit_log a WHERE a.log_id = g.log_id) ORDER BY g.log_id, g.n
    ) e ORDER BY e.n
  LOOP
    SELECT head.seq + 1 AS seq, sha256(head.hash || entry.content) AS hash, head.hash AS previous INTO head;
    INSERT INTO public.audit_log (log_id, "timestamp", event_type, actor, payload, success, backtest_session_id, correlation_id,
      source_topic, source_partition, source_offset, seq, prev_hash, hash)
    VALUES (entry.log_id, entry."timestamp", entry.event_type, entry.actor, entry.payload, entry.success, entry.session,
      entry.correlation_id, entry.source_topic, entry.source_partition, entry.source_offset, head.seq, head.previous, head.hash);
    GET DIAGNOSTICS went_in = ROW_COUNT;
    fresh := fresh + 1;
    linked := linked + went_in;
  END LOOP;
END
$$;

REVOKE INSERT, UPDATE ON tradetape.landed_offset FROM tradetape_lander;
REVOKE INSERT ON tradetape.landed_batch, public.audit_log FROM tradetape_lander;
REVOKE DELETE ON tradetape.audit_turn FROM tradetape_lander;
-- Of what it still adds itself, the server says when, and functions what became of it.
REVOKE INSERT ON tradetape.outbox, tradetape.dead_letter, tradetape.parked_event FROM tradetape_lander;
GRANT INSERT (source_topic, source_partition, topic, key, value, headers) ON tradetape.outbox TO tradetape_lander;
GRANT INSERT (topic, partition, "offset", reason, detail, column_name, sqlstate, key, value, headers, published_at, attempts)
  ON tradetape.dead_letter TO tradetape_lander;
GRANT INSERT (topic, partition, "offset", event_id, missing, key, value, headers, published_at)
  ON tradetape.parked_event TO tradetape_lander;

REVOKE ALL ON FUNCTION tradetape.claim_partition, tradetape.lock_partitions, tradetape.advance, tradetape.accept_loss,
  tradetape.link_entries FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tradetape.claim_partition, tradetape.lock_partitions, tradetape.advance, tradetape.accept_loss,
  tradetape.link_entries TO tradetape_lander;
COMMENT ON FUNCTION tradetape.claim_partition IS 'Makes a partition known, beginning where its log does, unless it is known.';
COMMENT ON FUNCTION tradetape.lock_partitions IS 'Locks partitions for a landing, and says where each stands.';
COMMENT ON FUNCTION tradetape.advance IS 'Writes rows of the ledger and moves next_offset by them, each from where its partition stands.';
COMMENT ON FUNCTION tradetape.accept_loss IS 'Goes on behind offsets that are lost, with the deed and its audit entry.';
COMMENT ON FUNCTION tradetape.link_entries IS 'Links entries to the audit log, each with the hash that follows from the one before it.';
COMMENT ON TABLE tradetape.audit_turn IS 'Locked by link_entries until its transaction has ended, so that one at a time links. It has no rows.';
