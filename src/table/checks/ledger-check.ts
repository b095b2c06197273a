import type { Connection } from "../connection.ts";
import { isoOf, quoted } from "../sql.ts";

/** A partition's ledger, summed and held against its other books. All counts are of records. */
interface LedgerSums {
  readonly topic: string;
  readonly partition: number;
  readonly origin: number;
  readonly nextOffset: number;
  readonly written: number;
  readonly superseded: number;
  readonly dead: number;
  readonly parked: number;
  /** Rows of dead_letter and parked_event of this partition. */
  readonly letterRows: number;
  readonly parkedRows: number;
}

/** A place where one ledger row doesn't begin where the one before it ended. */
interface LedgerGap {
  readonly topic: string;
  readonly partition: number;
  readonly seq: number;
  readonly expected: number;
  readonly found: number;
}

/** One snapshot for all questions: numbers read while consumers run belong together. */
export async function inSnapshot<R>(connection: Connection, ask: () => Promise<R>): Promise<R> {
  await connection.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  try {
    return await ask();
  } finally {
    await connection.query("ROLLBACK");
  }
}

export function ledgerSums(connection: Connection): Promise<LedgerSums[]> {
  return connection.query<LedgerSums & Record<string, unknown>>(
    `SELECT o.topic, o.partition, o.origin, o.next_offset AS "nextOffset", b.written, b.superseded, b.dead, b.parked,
       (SELECT count(*) FROM tradetape.dead_letter d
         WHERE d.topic = o.topic AND d.partition = o.partition) AS "letterRows",
       (SELECT count(*) FROM tradetape.parked_event p
         WHERE p.topic = o.topic AND p.partition = o.partition) AS "parkedRows"
     FROM tradetape.landed_offset o CROSS JOIN LATERAL (
       SELECT coalesce(sum(written), 0)::bigint AS written, coalesce(sum(superseded), 0)::bigint AS superseded,
         coalesce(sum(dead), 0)::bigint AS dead, coalesce(sum(parked), 0)::bigint AS parked
       FROM tradetape.landed_batch b WHERE b.topic = o.topic AND b.partition = o.partition) b
     ORDER BY o.topic, o.partition`,
  );
}

/** Gaps between ledger rows, before the first one (the origin) and behind the last (next_offset). */
export function ledgerGaps(connection: Connection): Promise<LedgerGap[]> {
  return connection.query<LedgerGap & Record<string, unknown>>(
    `WITH spans AS (
       SELECT topic, partition, seq, first_offset, next_offset FROM tradetape.landed_batch WHERE kind <> 'removed'
       UNION ALL SELECT topic, partition, 0, origin, origin FROM tradetape.landed_offset
       UNION ALL SELECT topic, partition, 9223372036854775807, next_offset, next_offset FROM tradetape.landed_offset
     ), steps AS (
       SELECT topic, partition, seq, first_offset AS found,
         lag(next_offset) OVER (PARTITION BY topic, partition ORDER BY seq) AS expected
       FROM spans
     )
     SELECT topic, partition, CASE WHEN seq > 4611686018427387904 THEN -1 ELSE seq END AS seq, expected, found
     FROM steps
     WHERE found <> expected ORDER BY topic, partition, seq LIMIT 100`,
  );
}

/** Rows of the ledger that count what can't be: those that landed before the ledger refused them. */
export const impossibleRows = (
  connection: Connection,
): Promise<{ readonly topic: string; readonly partition: number; readonly seq: number }[]> =>
  connection.query(
    `SELECT topic, partition, seq FROM tradetape.landed_batch
     WHERE NOT (least(holes, lost, read, written, duplicate, replaced, dead, filtered, removed) >= 0
       AND (parked >= 0 OR kind = 'release') AND (kind = 'batch' OR read + holes = 0) AND (kind = 'accepted_loss' OR lost = 0)
       AND (kind = 'removed' OR removed = 0) AND (kind IN ('batch', 'accepted_loss', 'rewound') OR first_offset = next_offset))
     ORDER BY 1, 2, 3 LIMIT 100`,
  );

/**
 * Events of a topic that were filtered though nothing here says why: there is no session of any kind, no day was dropped, and
 * no replay left anything out. Only a consumer that doesn't serve what belongs to no session filters then.
 */
export const unexplainedFilter = (
  connection: Connection,
  topic: string,
  table: string,
): Promise<{ readonly topic: string; readonly partition: number; readonly filtered: number }[]> =>
  connection.query(
    `SELECT topic, partition, sum(filtered)::bigint AS filtered FROM tradetape.landed_batch b
     WHERE (topic = $1 OR right(topic, length($1) + 1) = '.' || $1) AND filtered > 0
       AND NOT EXISTS (SELECT FROM public.backtest_session)
       AND NOT EXISTS (SELECT FROM tradetape.day_table d WHERE d.table_name = $2 AND d.keep_from IS NOT NULL)
       AND NOT EXISTS (SELECT FROM tradetape.replay_run r WHERE b.topic = ANY(r.topics))
     GROUP BY 1, 2 ORDER BY 1, 2`,
    [topic, table],
  );

/** A time that a partition's landing went back, because its log was no longer the one that had landed. */
export interface CutLog {
  readonly topic: string;
  readonly partition: number;
  /** cut, topic (made again), cluster (another one) or record. */
  readonly breach: string;
  /** The offset that was next before, and the one that was next then. */
  readonly from: number;
  readonly to: number;
  /** Rows that had landed from what the log no longer has; those whose events came again are among them. */
  readonly rows: number;
  readonly reason: string;
  readonly actor: string;
  /** ISO 8601. */
  readonly at: string;
}

/** Every rewind, in the order in which they were made. */
export function cutLogs(connection: Connection): Promise<CutLog[]> {
  return connection.query<CutLog & Record<string, unknown>>(
    `SELECT topic, partition, detail ->> 'breach' AS breach, first_offset AS "from", next_offset AS "to",
       (detail ->> 'rows')::bigint AS rows, detail ->> 'reason' AS reason, detail ->> 'actor' AS actor,
       ${isoOf("landed_at")} AS at
     FROM tradetape.landed_batch WHERE kind = 'rewound' ORDER BY landed_at, topic, partition, seq`,
  );
}

/** Rows that the ledger says were removed, by table: dropped partitions, deleted sessions. */
export async function removedRows(connection: Connection): Promise<ReadonlyMap<string, number>> {
  const rows = await connection.query<{ table: string; removed: number }>(
    `SELECT detail ->> 'table' AS table, sum(removed)::bigint AS removed FROM tradetape.landed_batch
     WHERE kind = 'removed' GROUP BY 1`,
  );
  return new Map(rows.map((row) => [row.table, row.removed]));
}

/** Whether a topic landed here before the migration by which revisions are kept, whatever its namespace. */
export async function landedWithoutRevisions(connection: Connection, topic: string): Promise<boolean> {
  const [row] = await connection.query<{ did: boolean }>(
    `SELECT EXISTS (SELECT FROM tradetape.landed_batch b JOIN tradetape.migration m ON b.landed_at < m.applied_at
       WHERE m.name LIKE '%_revisions.sql' AND (b.topic = $1 OR right(b.topic, length($1) + 1) = '.' || $1)) AS did`,
    [topic],
  );
  return row!.did;
}

export async function countRows(connection: Connection, table: string): Promise<number> {
  const [row] = await connection.query<{ rows: number }>(`SELECT count(*) AS rows FROM public.${quoted(table)}`);
  return row!.rows;
}

/** Quotes whose bid lies above their ask, and whose bid lies on it. */
export async function countAcross(connection: Connection): Promise<{ crossed: number; locked: number }> {
  const [row] = await connection.query<{ crossed: number; locked: number }>(
    `SELECT count(*) FILTER (WHERE bid_price > ask_price) AS crossed,
       count(*) FILTER (WHERE bid_price = ask_price) AS locked FROM public.quote`,
  );
  return row!;
}

/** Outbox messages older than this many seconds, by topic and partition. */
export function oldOutbox(
  connection: Connection,
  olderThanSeconds: number,
): Promise<{ topic: string; partition: number; messages: number }[]> {
  return connection.query(
    `SELECT source_topic AS topic, source_partition AS partition, count(*) AS messages FROM tradetape.outbox
     WHERE created_at <= now() - make_interval(secs => $1) GROUP BY 1, 2 ORDER BY 1, 2`,
    [olderThanSeconds],
  );
}

/**
 * Symbols that rows of a big table name and `symbol` doesn't have. Steps from one symbol to the next by the table's
 * key, which leads with it: some thousand symbols are found among millions of rows without reading them.
 */
export async function unknownSymbols(connection: Connection, table: string): Promise<readonly string[]> {
  const name = `public.${quoted(table)}`;
  const rows = await connection.query<{ id: string }>(
    `WITH RECURSIVE found AS (
       (SELECT symbol_id FROM ${name} ORDER BY symbol_id LIMIT 1)
       UNION ALL
       SELECT next.symbol_id FROM found CROSS JOIN LATERAL (
         SELECT t.symbol_id FROM ${name} t WHERE t.symbol_id > found.symbol_id ORDER BY t.symbol_id LIMIT 1) next
     )
     SELECT symbol_id AS id FROM found f WHERE NOT EXISTS (SELECT FROM public.symbol s WHERE s.symbol_id = f.symbol_id)
     ORDER BY 1 LIMIT 100`,
  );
  return rows.map((row) => row.id);
}
