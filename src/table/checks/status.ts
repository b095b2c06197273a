import type { Connection } from "../connection.ts";

/** What this database knows of one partition. All counts are of records. */
export interface PartitionStatus {
  /** The topic's full name, with the namespace. */
  readonly topic: string;
  readonly partition: number;
  readonly nextOffset: number;
  /** Which log landed, as `landed_offset` has it. */
  readonly clusterId: string | null;
  readonly topicId: string | null;
  readonly leaderEpoch: number | null;
  /** Letters that nobody has redriven or discarded. */
  readonly letters: number;
  readonly parked: number;
  /** Audit events, receipts and letters that a committed batch still has to publish. */
  readonly outbox: number;
  /** Offsets landed per second over the last 10 and 60 seconds. */
  readonly landedOver10s: number;
  readonly landedOver60s: number;
  /** How many of the newest 10,000 entries are signed and how many aren't; null of other topics than audit topics. */
  readonly signing: { readonly signed: number; readonly unsigned: number } | null;
  /** When a batch last landed, ISO 8601; null before the first. */
  readonly landedAt: string | null;
}

/** Every partition that has ever been claimed, by topic and number. */
export function readStatus(connection: Connection): Promise<PartitionStatus[]> {
  return connection.query<PartitionStatus & Record<string, unknown>>(STATUS);
}

/**
 * The ledger and the audit log grow for ever: they are read from their ends only, which the keys find at once. Rates are of
 * offsets, as the lag is: of what transactions leave, a marker takes an offset and is no record.
 */
const STATUS = `
WITH letters AS (
       SELECT topic, partition, count(*) AS n FROM tradetape.dead_letter WHERE state = 'open' GROUP BY 1, 2),
     parked AS (SELECT topic, partition, count(*) AS n FROM tradetape.parked_event GROUP BY 1, 2),
     outbox AS (
       SELECT source_topic AS topic, source_partition AS partition, count(*) AS n FROM tradetape.outbox GROUP BY 1, 2)
SELECT l.topic, l.partition, l.next_offset AS "nextOffset", l.cluster_id AS "clusterId", l.topic_id AS "topicId",
  l.leader_epoch AS "leaderEpoch", coalesce(d.n, 0) AS letters, coalesce(p.n, 0) AS parked,
  coalesce(o.n, 0) AS outbox, recent.over_10s / 10.0::float8 AS "landedOver10s",
  recent.over_60s / 60.0::float8 AS "landedOver60s",
  CASE WHEN l.topic = 'audit' OR l.topic LIKE '%.audit' THEN (
    SELECT jsonb_build_object('signed', count(signed_by), 'unsigned', count(*) - count(signed_by))
    FROM (SELECT signed_by FROM public.audit_log ORDER BY seq DESC LIMIT 10000) newest_entries) END AS signing,
  to_char(newest.landed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "landedAt"
FROM tradetape.landed_offset l
LEFT JOIN letters d USING (topic, partition)
LEFT JOIN parked p USING (topic, partition)
LEFT JOIN outbox o USING (topic, partition)
LEFT JOIN LATERAL (
  SELECT landed_at FROM tradetape.landed_batch b
  WHERE b.topic = l.topic AND b.partition = l.partition ORDER BY seq DESC LIMIT 1) newest ON true
LEFT JOIN LATERAL (
  SELECT coalesce(sum(next_offset - first_offset), 0)::float8 AS over_60s,
    coalesce(sum(next_offset - first_offset) FILTER (WHERE landed_at > now() - interval '10 seconds'), 0)::float8
      AS over_10s
  FROM (
    SELECT kind, first_offset, next_offset, landed_at FROM tradetape.landed_batch b
    WHERE b.topic = l.topic AND b.partition = l.partition ORDER BY seq DESC LIMIT 10000) last
  WHERE kind = 'batch' AND landed_at > now() - interval '60 seconds') recent ON true
ORDER BY l.topic, l.partition`;
