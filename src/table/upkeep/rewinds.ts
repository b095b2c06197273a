import type { Connection } from "../connection.ts";

/** A partition, by its topic's full name. */
interface Place {
  readonly topic: string;
  readonly partition: number;
}

/** What landed under one leader's epoch, from an offset on; null for what landed before epochs were noted. */
export interface LandedEpoch {
  readonly epoch: number | null;
  readonly from: number;
  readonly next: number;
}

/** SQL; whether a rewind since has found the offsets of the ledger's row `b` gone from the log, all or the last of them. */
export const IS_CUT = `EXISTS (SELECT FROM tradetape.landed_batch w
  WHERE w.topic = b.topic AND w.partition = b.partition AND w.kind = 'rewound' AND w.seq > b.seq
    AND (w.detail ->> 'breach' <> 'cut' OR w.next_offset < b.next_offset))`;

/** SQL; the ledger's rows of a partition whose offsets are still of the log that landed. $1 is the topic, $2 the partition. */
const STANDING = `SELECT b.* FROM tradetape.landed_batch b
  WHERE b.topic = $1 AND b.partition = $2 AND b.kind IN ('batch', 'accepted_loss') AND b.next_offset > b.first_offset
    AND NOT ${IS_CUT}`;

/** Which leaders took what landed of a partition's log, those of no known epoch first, then by their epochs. */
export const landedEpochs = (connection: Connection, { topic, partition }: Place): Promise<LandedEpoch[]> =>
  connection.query<LandedEpoch & Record<string, unknown>>(
    `SELECT leader_epoch AS epoch, min(first_offset) AS "from", max(next_offset) AS next FROM (${STANDING}) standing
     GROUP BY 1 ORDER BY 1 NULLS FIRST`,
    [topic, partition],
  );

/** What would be left without an event in the log if its landing went back to an offset. */
export interface CutOff {
  /** Rows that landed from offsets that are gone. A batch that begins below counts whole. */
  readonly rows: number;
  readonly letters: number;
  readonly parked: number;
}

/** @param from the first offset that is gone */
export async function countCutOff(connection: Connection, { topic, partition }: Place, from: number): Promise<CutOff> {
  const [row] = await connection.query<CutOff & Record<string, unknown>>(
    `SELECT (SELECT coalesce(sum(written), 0)::bigint FROM (${STANDING}) standing WHERE next_offset > $3) AS rows,
       (SELECT count(*) FROM tradetape.dead_letter
         WHERE topic = $1 AND partition = $2 AND rewind = 0 AND "offset" >= $3) AS letters,
       (SELECT count(*) FROM tradetape.parked_event WHERE topic = $1 AND partition = $2 AND "offset" >= $3) AS parked`,
    [topic, partition, from],
  );
  return row!;
}

/** A step back of a partition's landing. */
interface Rewinding extends Place {
  readonly from: number;
  readonly to: number;
  /** The first offset whose letters the log no longer has. */
  readonly cutFrom: number;
  readonly clusterId: string;
  readonly topicId: string | null;
  /** The epoch of what lies just below `to`; null where it isn't known. */
  readonly leaderEpoch: number | null;
  /** How often it was rewound before. */
  readonly rewinds: number;
  readonly rows: number;
  readonly detail: Readonly<Record<string, unknown>>;
}

/**
 * Goes back, in the transaction that holds the partition's lock: the ledger says so in a row, letters of the log that was cut
 * keep their offsets under the rewind's number, and what was allowed of offsets that name other events now is taken back.
 */
export async function writeRewind(connection: Connection, rewinding: Rewinding): Promise<void> {
  const { topic, partition, from, to, cutFrom, clusterId, topicId, leaderEpoch, rewinds, detail } = rewinding;
  await connection.run(
    `UPDATE tradetape.dead_letter SET rewind = $4 WHERE topic = $1 AND partition = $2 AND rewind = 0 AND "offset" >= $3`,
    [topic, partition, cutFrom, rewinds + 1],
  );
  // What was sent again and lost before it landed waits for somebody anew.
  await connection.run(
    `UPDATE tradetape.dead_letter SET state = 'open', redriven_offset = NULL
     WHERE topic = $1 AND partition = $2 AND state = 'redriven' AND redriven_offset >= $3`,
    [topic, partition, from],
  );
  await connection.run(
    `UPDATE tradetape.allowed_letters SET ended_at = now()
     WHERE topic = $1 AND partition = $2 AND ended_at IS NULL AND next_offset > $3`,
    [topic, partition, cutFrom],
  );
  await connection.run(
    `INSERT INTO tradetape.landed_batch (topic, partition, seq, kind, first_offset, next_offset, rewinds, detail)
     SELECT $1, $2, coalesce(max(seq), 0) + 1, 'rewound', $3, $4, $5, $6
     FROM tradetape.landed_batch WHERE topic = $1 AND partition = $2`,
    [topic, partition, from, to, rewinds + 1, JSON.stringify({ ...detail, rows: rewinding.rows })],
  );
  await connection.run(
    `UPDATE tradetape.landed_offset SET next_offset = $3, rewinds = $4, cluster_id = $5, topic_id = $6, leader_epoch = $7,
       last_offset = NULL, last_digest = NULL, updated_at = now()
     WHERE topic = $1 AND partition = $2`,
    [topic, partition, to, rewinds + 1, clusterId, topicId, leaderEpoch],
  );
}
