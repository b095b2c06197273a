-- A claim raises a number of its partition, and a batch lands only by the claim under which it was read. An owner that froze with
-- a batch in its hands, and awoke when the partition had another owner and its log other events (an election took what was not
-- replicated), landed that batch at an offset at which the log held an event that then nobody landed.
SET LOCAL ROLE tradetape_owner;

ALTER TABLE tradetape.landed_offset ADD COLUMN claims bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN tradetape.landed_offset.claims IS
  'How often the partition was claimed. A batch that was read under an earlier claim does not land.';

-- Waits for the transaction that lands in the partition, because what that lands is where the claim begins.
DROP FUNCTION tradetape.claim_partition(text, integer, bigint, text);
CREATE FUNCTION tradetape.claim_partition(of_topic text, of_partition integer, log_start bigint, of_cluster text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  raised bigint;
BEGIN
  IF (of_topic ~ '^[A-Za-z0-9._-]{1,249}$' AND of_partition >= 0 AND log_start >= 0) IS NOT TRUE THEN
    RAISE EXCEPTION 'no partition of Kafka begins there' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  INSERT INTO tradetape.landed_offset AS landed (topic, partition, next_offset, origin, cluster_id, claims)
    VALUES (of_topic, of_partition, log_start, log_start, of_cluster, 1)
    ON CONFLICT (topic, partition) DO UPDATE SET claims = landed.claims + 1 RETURNING landed.claims INTO STRICT raised;
  RETURN raised;
END
$$;

DROP FUNCTION tradetape.lock_partitions(text, integer[]);
-- Lowest first, so that two transactions that lock several never wait for each other.
CREATE FUNCTION tradetape.lock_partitions(of_topic text, of_partitions integer[])
RETURNS TABLE (partition integer, next bigint, rewinds integer, claims bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY SELECT o.partition, o.next_offset, o.rewinds, o.claims FROM tradetape.landed_offset o
    WHERE o.topic = of_topic AND o.partition = ANY (of_partitions) ORDER BY o.partition FOR UPDATE;
END
$$;

-- Each row of the ledger, and the step of next_offset that it tells of. No row for a partition that isn't where the step begins,
-- or that was rewound or claimed since it was read. Losses are accept_loss's, removals and rewinds the owner's.
CREATE OR REPLACE FUNCTION tradetape.advance(of_topic text, steps jsonb)
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
      "readAfter" int, "readUnder" bigint, "topicId" text)
    WHERE landed.topic = of_topic AND landed.partition = given.partition AND landed.next_offset = given."firstOffset"
      AND landed.rewinds = coalesce(given."readAfter", landed.rewinds)
      AND landed.claims = coalesce(given."readUnder", landed.claims) AND given.kind IN ('batch', 'release')
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

REVOKE ALL ON FUNCTION tradetape.claim_partition, tradetape.lock_partitions FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tradetape.claim_partition, tradetape.lock_partitions TO tradetape_lander;
COMMENT ON FUNCTION tradetape.claim_partition IS
  'Makes a partition known, beginning where its log does, unless it is known. Returns the number of this claim.';
COMMENT ON FUNCTION tradetape.lock_partitions IS 'Locks partitions for a landing, and says where each stands.';
