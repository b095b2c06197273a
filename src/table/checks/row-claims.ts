import type { Connection } from "../connection.ts";
import { type HashedRows, hashRows } from "../rows/hash-rows.ts";
import { type LandingTable, landedList, tablesOf } from "../rows/landing-table.ts";
import type { RowHasher } from "../rows/row-hasher.ts";
import { quoted } from "../sql.ts";
import { IS_CUT } from "../upkeep/rewinds.ts";

/** What the ledger and the log tell of the rows of one batch. */
export interface BatchClaim extends Record<string, unknown> {
  readonly topic: string;
  readonly partition: number;
  readonly firstOffset: number;
  readonly nextOffset: number;
  /** Written and replaced. */
  readonly rows: number;
  /** The ledger's sums, and the receipt's; null where there are none. */
  readonly own: unknown;
  readonly told: unknown;
  /** The receipt; null where none has come. Of several the one that says what the ledger does, else the first. */
  readonly logId: string | null;
  /** How many receipts of it there are: a database that was set back lands batches anew, and tells of them again. */
  readonly receipts: number;
  /** How many of them tell of other rows than the ledger does, and the ids of the first ones. */
  readonly contradicting: number;
  readonly contradictingIds: readonly string[];
  readonly differs: boolean;
  /** Whether a receipt of a later batch has come, though they come in order, and no replay landed this batch. */
  readonly skipped: boolean;
  /** Whether the log no longer has its offsets, or has other records there: it was cut, or made again. */
  readonly isCut: boolean;
}

/** What the ledger and the log tell of rows that one command removed. */
export interface RemovalClaim extends Record<string, unknown> {
  readonly actionId: string;
  readonly rows: number;
  readonly toldRows: number | null;
  /** Of each transaction of it. */
  readonly own: readonly unknown[];
  readonly told: readonly unknown[] | null;
}

const PAGE_CLAIMS = 2000;
/** Of one batch: whoever can write the log can write any number of receipts. */
const CONTRADICTING_IDS_MAX = 100;

/** SQL; how often the partition had been rewound, as a receipt `a` says it. */
const TOLD_REWINDS = `coalesce(substring(a.payload ->> 'rewinds' FROM '^[0-9]{1,9}$')::bigint, 0)`;

/** Every batch of these topics that left rows, with its receipt of this database, page by page. */
export async function* batchClaims(
  connection: Connection,
  topics: readonly string[],
  databaseId: string,
): AsyncGenerator<BatchClaim[]> {
  await connection.query(
    `DECLARE claim_reader NO SCROLL CURSOR FOR
     WITH newest AS (
       SELECT source_topic AS topic, source_partition AS partition, max(ARRAY[${TOLD_REWINDS}, source_offset]) AS place
       FROM public.audit_log a
       WHERE source_topic = ANY($1::text[]) AND event_type = 'RECEIPT' AND payload ->> 'database_id' = $2 GROUP BY 1, 2
     )
     SELECT b.topic, b.partition, b.first_offset AS "firstOffset", b.next_offset AS "nextOffset",
       b.written + b.replaced AS rows, b.detail -> 'row_sums' AS own, a.payload -> 'row_sums' AS told, a.log_id AS "logId",
       coalesce(a.receipts, 0) AS receipts, coalesce(a.contradicting, 0) AS contradicting,
       coalesce(a.contradicting_ids, '{}') AS "contradictingIds",
       a.log_id IS NOT NULL AND b.detail -> 'row_sums' IS DISTINCT FROM a.payload -> 'row_sums' AS differs,
       a.log_id IS NULL AND coalesce(ARRAY[b.rewinds, b.first_offset] < newest.place, false) AND b.landed_at >= named.created_at
         AND NOT EXISTS (SELECT FROM tradetape.replay_run r WHERE b.topic = ANY(r.topics)
           AND b.landed_at >= r.started_at AND b.landed_at <= coalesce(r.finished_at, b.landed_at)) AS skipped,
       ${IS_CUT} AS "isCut"
     FROM tradetape.landed_batch b CROSS JOIN tradetape.database_id named
     LEFT JOIN newest ON newest.topic = b.topic AND newest.partition = b.partition
     LEFT JOIN LATERAL (SELECT a.log_id, a.payload, count(*) OVER () AS receipts,
         count(*) FILTER (WHERE told.differs) OVER () AS contradicting,
         (array_agg(a.log_id::text) FILTER (WHERE told.differs) OVER (ORDER BY a.seq
           ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING))[:${CONTRADICTING_IDS_MAX}] AS contradicting_ids
       FROM public.audit_log a,
         LATERAL (SELECT a.payload -> 'row_sums' IS DISTINCT FROM b.detail -> 'row_sums' AS differs) told
       WHERE a.source_topic = b.topic AND a.source_partition = b.partition AND a.source_offset = b.first_offset
         AND a.event_type = 'RECEIPT'
         AND (a.payload ->> 'database_id' = $2 OR b.landed_at < named.created_at
           AND a.payload ->> 'database_id' = ANY (named.former_ids::text[]))
         AND a.payload ->> 'next_offset' = b.next_offset::text AND ${TOLD_REWINDS} = b.rewinds
       ORDER BY told.differs, a.seq LIMIT 1) a ON true
     WHERE b.topic = ANY($1::text[]) AND b.kind = 'batch'
       AND (b.written + b.replaced > 0 OR b.detail -> 'row_sums' <> '{}' OR a.payload -> 'row_sums' <> '{}')`,
    [topics, databaseId],
  );
  try {
    for (;;) {
      const page = await connection.query<BatchClaim>(`FETCH ${PAGE_CLAIMS} FROM claim_reader`);
      if (page.length > 0) yield page;
      if (page.length < PAGE_CLAIMS) break;
    }
  } finally {
    await connection.query("CLOSE claim_reader");
  }
}

/** What commands removed from this table and its revisions: of each command all transactions together, and their entries. */
export function removalClaims(
  connection: Connection,
  landing: LandingTable,
  databaseId: string,
): Promise<RemovalClaim[]> {
  return connection.query<RemovalClaim>(
    `WITH ledger AS (
       SELECT detail ->> 'action_id' AS "actionId", sum(removed)::bigint AS rows, jsonb_agg(detail -> 'row_sums') AS own
       FROM tradetape.landed_batch WHERE kind = 'removed' AND detail ->> 'table' = ANY($1::text[]) GROUP BY 1
     ), entry AS (
       SELECT payload ->> 'action_id' AS "actionId", sum((payload ->> 'rows')::bigint)::bigint AS "toldRows",
         jsonb_agg(payload -> 'row_sums') AS told
       FROM public.audit_log WHERE event_type IN ('PARTITION_DROP', 'SESSION_DELETE') AND payload ->> 'table' = ANY($1::text[])
         AND (payload ->> 'database_id' = $2 OR payload ->> 'action_id' IN (SELECT "actionId" FROM ledger)
           AND payload ->> 'database_id' IN (SELECT unnest(former_ids)::text FROM tradetape.database_id))
         AND payload ->> 'rows' ~ '^[1-9][0-9]{0,15}$' GROUP BY 1
     )
     SELECT coalesce("actionId", 'unnamed') AS "actionId", coalesce(rows, 0) AS rows, "toldRows",
       coalesce(own, '[]') AS own, told
     FROM ledger FULL JOIN entry USING ("actionId") ORDER BY 1`,
    [tablesOf(landing), databaseId],
  );
}

/** A receipt of this database whose batch the ledger doesn't have. */
interface StrayReceipt extends Record<string, unknown> {
  readonly logId: string;
  readonly topic: string;
  readonly partition: number;
  readonly firstOffset: number;
  /**
   * Whether a database that was set back explains it: it has landed the offsets anew, in a batch of which a later receipt
   * tells, or is yet to land them.
   */
  readonly isExplained: boolean;
}

/** Those receipts, the first ones; those that nothing explains come before the others. */
export function strayReceipts(
  connection: Connection,
  topics: readonly string[],
  databaseId: string,
): Promise<StrayReceipt[]> {
  return connection.query<StrayReceipt>(
    `SELECT * FROM (
       SELECT a.log_id AS "logId", a.source_topic AS topic, a.source_partition AS partition, a.source_offset AS "firstOffset",
         o.next_offset IS NULL OR o.next_offset <= a.source_offset OR EXISTS (SELECT FROM tradetape.landed_batch b
           JOIN public.audit_log later ON later.source_topic = b.topic AND later.source_partition = b.partition
             AND later.source_offset = b.first_offset AND later.event_type = 'RECEIPT' AND later.seq > a.seq
             AND later.payload ->> 'database_id' = $2 AND later.payload ->> 'next_offset' = b.next_offset::text
           WHERE b.topic = a.source_topic AND b.partition = a.source_partition AND b.kind = 'batch'
             AND b.first_offset <= a.source_offset AND b.next_offset > a.source_offset
             AND b.rewinds = ${TOLD_REWINDS}) AS "isExplained"
       FROM public.audit_log a
       LEFT JOIN tradetape.landed_offset o ON o.topic = a.source_topic AND o.partition = a.source_partition
       WHERE a.source_topic = ANY($1::text[]) AND a.event_type = 'RECEIPT' AND a.payload ->> 'database_id' = $2
         AND NOT EXISTS (SELECT FROM tradetape.landed_batch b
           WHERE b.topic = a.source_topic AND b.partition = a.source_partition AND b.kind = 'batch'
             AND b.first_offset = a.source_offset AND b.next_offset::text = a.payload ->> 'next_offset'
             AND b.rewinds = ${TOLD_REWINDS})
     ) stray ORDER BY "isExplained", "logId" LIMIT 1000`,
    [topics, databaseId],
  );
}

/**
 * The sums of all rows of a table and its revisions: every one that ever went in.
 * @param onRows called now and then with how many have been read
 */
export const tableSums = (
  connection: Connection,
  landing: LandingTable,
  hasher: RowHasher,
  onRows: (rows: number) => void,
): Promise<HashedRows> =>
  hashRows(
    connection,
    tablesOf(landing)
      .map((table) => `SELECT ${landedList(landing)} FROM public.${quoted(table)}`)
      .join(" UNION ALL "),
    hasher,
    onRows,
  );
