import type { Connection } from "../connection.ts";

/** A partition's letters whose state and deeds contradict each other. */
interface DeedBreach extends Record<string, unknown> {
  /** `undone`: a deed tells of a letter that is as if nobody had acted on it; `untold`: no deed tells of what it has become. */
  readonly kind: "undone" | "untold";
  readonly topic: string;
  readonly partition: number;
  readonly letters: number;
  /** The first few of their offsets. */
  readonly first: readonly number[];
}

/**
 * Letters that somebody has changed by another way than the functions of 0037_deeds.sql, and letters that deeds name and that
 * are gone, or open again. A rewind opens a letter again whose event was redriven into what the log has lost.
 */
export function deedBreaches(connection: Connection): Promise<DeedBreach[]> {
  return connection.query<DeedBreach>(
    `WITH told AS (
       SELECT e.deed_id, e.topic, e.partition, e.kind, e.login, e.done_at, (e.facts ->> 'before_deeds')::boolean AS before, o
       FROM tradetape.deed e CROSS JOIN unnest(e.offsets) AS o
     ), breach AS (
       SELECT 'untold' AS kind, d.topic, d.partition, d."offset" FROM tradetape.dead_letter d WHERE d.state <> 'open'
         AND NOT EXISTS (SELECT FROM told t WHERE t.deed_id = d.deed_id AND t.o = d."offset" AND t.topic = d.topic
           AND t.partition = d.partition AND t.kind = CASE d.state WHEN 'discarded' THEN 'DISCARD' ELSE 'REDRIVE' END
           AND (t.before OR (t.login = d.acted_by AND t.done_at = d.acted_at)))
       UNION SELECT 'undone', t.topic, t.partition, t.o FROM told t
       WHERE NOT EXISTS (SELECT FROM tradetape.dead_letter d WHERE d.topic = t.topic AND d.partition = t.partition
         AND d."offset" = t.o AND d.deed_id >= t.deed_id AND (d.state <> 'open' OR (t.kind = 'REDRIVE'
           AND EXISTS (SELECT FROM tradetape.landed_batch b
             WHERE b.topic = t.topic AND b.partition = t.partition AND b.kind = 'rewound' AND b.landed_at >= t.done_at))))
     )
     SELECT kind, topic, partition, count(*) AS letters, (array_agg("offset" ORDER BY "offset"))[1:5] AS first
     FROM breach GROUP BY 1, 2, 3 ORDER BY 2, 3, 1`,
  );
}
