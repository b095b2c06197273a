import type { LetterReason } from "../../event/letter.ts";
import type { Connection } from "../connection.ts";

/** A landed batch that covers some of the offsets asked for. All counts are of records. */
export interface CoveringBatch {
  /** How many of the offsets it covers, and how many of these are letters or still parked now. */
  readonly ours: number;
  readonly dead: number;
  readonly parked: number;
  /** What became of the whole batch. */
  readonly written: number;
  readonly duplicate: number;
  readonly replaced: number;
  readonly filtered: number;
}

/** The batches that landed these offsets of one partition, of its log as it is. */
export function coveringBatches(
  connection: Connection,
  topic: string,
  partition: number,
  offsets: readonly number[],
): Promise<CoveringBatch[]> {
  return connection.query<CoveringBatch & Record<string, unknown>>(
    `SELECT count(*) AS ours, count(d."offset") AS dead, count(p."offset") AS parked, b.written, b.duplicate,
       b.replaced, b.filtered
     FROM (SELECT * FROM tradetape.landed_batch WHERE topic = $1 AND partition = $2 AND kind = 'batch'
             AND rewinds = (SELECT rewinds FROM tradetape.landed_offset WHERE topic = $1 AND partition = $2)
             AND next_offset > (SELECT min(o) FROM unnest($3::bigint[]) o)) b
     JOIN unnest($3::bigint[]) AS r (o) ON r.o >= b.first_offset AND r.o < b.next_offset
     LEFT JOIN tradetape.dead_letter d ON d.topic = $1 AND d.partition = $2 AND d.rewind = 0
       AND d."offset" = r.o
     LEFT JOIN tradetape.parked_event p ON p.topic = $1 AND p.partition = $2 AND p."offset" = r.o
     GROUP BY b.seq, b.written, b.duplicate, b.replaced, b.filtered`,
    [topic, partition, offsets],
  );
}

/** Why those of these offsets that became letters did. */
export function lettersAt(
  connection: Connection,
  topic: string,
  partition: number,
  offsets: readonly number[],
): Promise<{ reason: LetterReason; letters: number }[]> {
  return connection.query(
    `SELECT reason, count(*) AS letters FROM tradetape.dead_letter
     WHERE topic = $1 AND partition = $2 AND rewind = 0 AND "offset" = ANY($3::bigint[]) GROUP BY 1 ORDER BY 2 DESC, 1`,
    [topic, partition, offsets],
  );
}
