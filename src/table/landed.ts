import type { Connection } from "./connection.ts";

/** Where a partition stands in this database. */
export interface LandedOffset {
  readonly nextOffset: number;
  readonly origin: number;
  readonly clusterId: string | null;
  readonly lastOffset: number | null;
  readonly lastDigest: Buffer | null;
}

/** What the ledger counts, by its columns' names: read = the sum of the others. */
export const LEDGER_COUNTS = ["read", "written", "duplicate", "replaced", "dead", "parked", "filtered"] as const;

/** All are of records. */
export type LedgerCounts = { readonly [name in (typeof LEDGER_COUNTS)[number]]: number };

export const NOTHING_COUNTED: LedgerCounts = {
  read: 0,
  written: 0,
  duplicate: 0,
  replaced: 0,
  dead: 0,
  parked: 0,
  filtered: 0,
};

/** One row of the ledger: what became of a range of offsets. */
export interface LedgerRow extends LedgerCounts {
  readonly kind: "batch" | "release" | "accepted_loss";
  readonly firstOffset: number;
  readonly nextOffset: number;
  readonly holes: number;
  readonly lost: number;
}

/** One ledger row among all that were ever tried: a rolled back one's number is given again, at another time. */
export interface LedgerKey {
  readonly seq: number;
  readonly landedAt: string;
}

const COLUMNS = `next_offset AS "nextOffset", origin, cluster_id AS "clusterId", last_offset AS "lastOffset",
  last_digest AS "lastDigest"`;

/**
 * Makes a partition known, beginning at `logStart`, unless it is; returns where it stands either way. What the log no
 * longer held when it was first seen is its origin, not a loss.
 *
 * Looks before it inserts: ON CONFLICT DO NOTHING waits for whoever is changing the row, and an owner frozen behind its
 * UPDATE would keep the next one from ever coming to the landing, whose lock wait ends such owners.
 */
export async function claimPartition(
  connection: Connection,
  topic: string,
  partition: number,
  logStart: number,
  clusterId: string,
): Promise<LandedOffset> {
  const known = await landedOffset(connection, topic, partition);
  if (known) return known;
  await connection.run(
    `INSERT INTO tradetape.landed_offset (topic, partition, next_offset, origin, cluster_id)
     VALUES ($1, $2, $3, $3, $4) ON CONFLICT DO NOTHING`,
    [topic, partition, logStart, clusterId],
  );
  return (await landedOffset(connection, topic, partition))!;
}

async function landedOffset(connection: Connection, topic: string, partition: number) {
  const rows = await connection.query<LandedOffset & Record<string, unknown>>(
    `SELECT ${COLUMNS} FROM tradetape.landed_offset WHERE topic = $1 AND partition = $2`,
    [topic, partition],
  );
  return rows[0];
}

/** Takes the partition's lock for this transaction, and with it the right to land; returns the true next offset. */
export async function lockPartition(connection: Connection, topic: string, partition: number): Promise<number> {
  const rows = await connection.query<{ next: number }>(
    "SELECT next_offset AS next FROM tradetape.landed_offset WHERE topic = $1 AND partition = $2 FOR UPDATE",
    [topic, partition],
  );
  if (rows[0] === undefined) throw new Error(`${topic}/${partition} was locked before it was claimed`);
  return rows[0].next;
}

/**
 * Writes the ledger row and moves next_offset, comparing the old value: the last fence, should the lock ever not hold.
 * @param last the batch's last record and its digest, undefined when the batch held none
 * @param detail what a person should find beside the row
 * @returns the row's key, by which it is found again after a COMMIT that nobody answered
 */
export async function advance(
  connection: Connection,
  topic: string,
  partition: number,
  ledger: LedgerRow,
  last: { readonly offset: number; readonly digest: Buffer } | undefined,
  detail?: Readonly<Record<string, unknown>>,
): Promise<LedgerKey> {
  const [key] = await connection.query<LedgerKey & Record<string, unknown>>(
    `WITH moved AS (
       UPDATE tradetape.landed_offset SET next_offset = $5, last_offset = coalesce($16, last_offset),
         last_digest = coalesce($17, last_digest), updated_at = now()
       WHERE topic = $1 AND partition = $2 AND next_offset = $4 RETURNING next_offset
     )
     INSERT INTO tradetape.landed_batch (topic, partition, seq, kind, first_offset, next_offset, holes, read, written,
       duplicate, replaced, dead, parked, filtered, lost, detail)
     SELECT $1, $2, (SELECT coalesce(max(seq), 0) + 1 FROM tradetape.landed_batch WHERE topic = $1 AND partition = $2),
       $3, $4, moved.next_offset, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15
     FROM moved RETURNING seq, landed_at::text AS "landedAt"`,
    [
      topic,
      partition,
      ledger.kind,
      ledger.firstOffset,
      ledger.nextOffset,
      ledger.holes,
      ...LEDGER_COUNTS.map((name) => ledger[name]),
      ledger.lost,
      detail === undefined ? null : JSON.stringify(detail),
      last?.offset ?? null,
      last?.digest ?? null,
    ],
  );
  if (key === undefined) throw new Error(`${topic}/${partition}: next_offset moved under our lock`);
  return key;
}

/** Whether that very row is in the ledger: its transaction has committed. */
export async function isInLedger(
  connection: Connection,
  topic: string,
  partition: number,
  { seq, landedAt }: LedgerKey,
): Promise<boolean> {
  const rows = await connection.query(
    `SELECT seq FROM tradetape.landed_batch
     WHERE topic = $1 AND partition = $2 AND seq = $3 AND landed_at = $4::timestamptz`,
    [topic, partition, seq, landedAt],
  );
  return rows.length > 0;
}

/**
 * The last `recordsMin` records of a topic that had landed by a time, rounded up to whole batches: since when, and how
 * many they are. Reads the topic's whole ledger, so it is for the rare occasion.
 * @param untilUs microseconds since 1970
 */
export async function landedWindow(
  connection: Connection,
  topic: string,
  untilUs: number,
  recordsMin: number,
): Promise<{ readonly sinceUs: number; readonly records: number }> {
  const [row] = await connection.query<{ sinceUs: number; records: number }>(
    `SELECT min(at) AS "sinceUs", sum(read)::bigint AS records FROM (
       SELECT (extract(epoch FROM landed_at) * 1000000)::bigint AS at, read,
         sum(read) OVER (ORDER BY landed_at DESC, partition, seq) - read AS later
       FROM tradetape.landed_batch
       WHERE topic = $1 AND kind = 'batch' AND landed_at <= 'epoch'::timestamptz + $2 * interval '1 microsecond'
     ) batch WHERE later < $3`,
    [topic, untilUs, recordsMin],
  );
  return row!;
}

/** This database's own id, in the names of its consumer groups. */
export async function databaseId(connection: Connection): Promise<string> {
  const [row] = await connection.query<{ id: string }>("SELECT database_id AS id FROM tradetape.database_id");
  if (!row) throw new Error("tradetape.database_id is empty: the migration makes its row");
  return row.id;
}

/** The next offset of each of a topic's partitions that this database knows. */
export async function nextOffsets(connection: Connection, topic: string): Promise<ReadonlyMap<number, number>> {
  const rows = await connection.query<{ partition: number; next: number }>(
    "SELECT partition, next_offset AS next FROM tradetape.landed_offset WHERE topic = $1",
    [topic],
  );
  return new Map(rows.map((row) => [row.partition, row.next]));
}

/** The same of several topics, by `topic/partition`. */
export async function nextOffsetsOf(
  connection: Connection,
  topics: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const rows = await connection.query<{ place: string; next: number }>(
    "SELECT topic || '/' || partition AS place, next_offset AS next FROM tradetape.landed_offset WHERE topic = ANY($1)",
    [topics],
  );
  return new Map(rows.map(({ place, next }) => [place, next]));
}
