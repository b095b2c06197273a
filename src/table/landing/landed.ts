import type { Connection } from "../connection.ts";

/** Where a partition stands in this database. */
interface LandedOffset {
  readonly nextOffset: number;
  readonly origin: number;
  readonly clusterId: string | null;
  readonly lastOffset: number | null;
  readonly lastDigest: Buffer | null;
}

const COLUMNS = `next_offset AS "nextOffset", origin, cluster_id AS "clusterId", last_offset AS "lastOffset",
  last_digest AS "lastDigest"`;

/**
 * Makes a partition known, beginning at `logStart`, unless it is known; returns where it stands either way. What the log
 * no longer held when the partition was first seen lies before its origin, and is no loss.
 *
 * It selects before it inserts, because INSERT ... ON CONFLICT DO NOTHING waits for whoever is changing the row: behind an
 * owner that froze after its UPDATE the next owner would never come to a landing, whose `LockWatch` ends such owners.
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

/**
 * Takes the locks of partitions for this transaction, and with them the right to land. Lowest first, so that two
 * transactions that lock several never wait for each other. @returns the true next offset of each
 */
export async function lockPartitions(
  connection: Connection,
  topic: string,
  partitions: readonly number[],
): Promise<ReadonlyMap<number, number>> {
  const rows = await connection.query<{ partition: number; next: number }>(
    `SELECT partition, next_offset AS next FROM tradetape.landed_offset WHERE topic = $1 AND partition = ANY($2::int[])
     ORDER BY partition FOR UPDATE`,
    [topic, partitions],
  );
  const nexts = new Map(rows.map(({ partition, next }) => [partition, next]));
  const unclaimed = partitions.find((partition) => !nexts.has(partition));
  if (unclaimed !== undefined) throw new Error(`${topic}/${unclaimed} was locked before it was claimed`);
  return nexts;
}

/** `lockPartitions` for one partition. @returns its true next offset */
export async function lockPartition(connection: Connection, topic: string, partition: number): Promise<number> {
  return (await lockPartitions(connection, topic, [partition])).get(partition)!;
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

/** `nextOffsets` of several topics, by `topic/partition`. */
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
