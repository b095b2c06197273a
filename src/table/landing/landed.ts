import type { Connection } from "../connection.ts";

/** Where a partition stands in this database. */
export interface LandedOffset {
  readonly nextOffset: number;
  readonly origin: number;
  readonly clusterId: string | null;
  readonly topicId: string | null;
  readonly leaderEpoch: number | null;
  readonly lastOffset: number | null;
  readonly lastDigest: Buffer | null;
  /** How often the landing went back, because the log was no longer the one that had landed. */
  readonly rewinds: number;
  /** How often the partition was claimed. */
  readonly claims: number;
}

const COLUMNS = `next_offset AS "nextOffset", origin, cluster_id AS "clusterId", topic_id AS "topicId",
  leader_epoch AS "leaderEpoch", last_offset AS "lastOffset", last_digest AS "lastDigest", rewinds, claims`;

/**
 * Makes a partition known, beginning at `logStart`, unless it is known; returns where it stands either way, with the number of
 * this claim as `claims`: from now on no batch lands that was read under an earlier one. What the log no longer held when the
 * partition was first seen lies before its origin, and is no loss.
 *
 * It waits for the transaction that lands in the partition; a group, whose partition's last owner may be frozen, calls it under
 * a `LockWatch`.
 * @param commits "local" for a claim alone: it doesn't wait for a synchronous standby that is away, because the landing behind
 * it does, and says so. "as set" where other things commit with it
 */
export async function claimPartition(
  connection: Connection,
  topic: string,
  partition: number,
  logStart: number,
  clusterId: string,
  commits: "local" | "as set" = "as set",
): Promise<LandedOffset> {
  const [claim] = await connection.query<{ claims: number }>(
    `SELECT tradetape.claim_partition($1, $2, $3, $4) AS claims,
       set_config('synchronous_commit', CASE $5 WHEN 'local' THEN 'local' ELSE current_setting('synchronous_commit') END, true)`,
    [topic, partition, logStart, clusterId, commits],
  );
  const [place] = await connection.query<LandedOffset & Record<string, unknown>>(
    `SELECT ${COLUMNS} FROM tradetape.landed_offset WHERE topic = $1 AND partition = $2`,
    [topic, partition],
  );
  // Not the number that the row has by now: another owner may have claimed the partition since.
  return { ...place!, claims: claim!.claims };
}

/** Where each partition of a topic stands that this database knows. */
export async function landedLogs(connection: Connection, topic: string): Promise<ReadonlyMap<number, LandedOffset>> {
  const rows = await connection.query<LandedOffset & { readonly partition: number } & Record<string, unknown>>(
    `SELECT partition, ${COLUMNS} FROM tradetape.landed_offset WHERE topic = $1 ORDER BY partition`,
    [topic],
  );
  return new Map(rows.map((row) => [row.partition, row]));
}

/** What decides about a landing, read under the partition's lock. */
interface LockedPlace {
  readonly next: number;
  readonly rewinds: number;
  readonly claims: number;
}

/**
 * Takes the locks of partitions for this transaction, and with them the right to land.
 */
export async function lockPartitions(
  connection: Connection,
  topic: string,
  partitions: readonly number[],
): Promise<ReadonlyMap<number, LockedPlace>> {
  const rows = await connection.query<LockedPlace & { partition: number }>(
    "SELECT partition, next, rewinds, claims FROM tradetape.lock_partitions($1, $2::int[])",
    [topic, partitions],
  );
  const places = new Map(rows.map(({ partition, ...place }) => [partition, place]));
  const unclaimed = partitions.find((partition) => !places.has(partition));
  if (unclaimed !== undefined) throw new Error(`${topic}/${unclaimed} was locked before it was claimed`);
  return places;
}

/** `lockPartitions` for one partition. */
export async function lockPlace(connection: Connection, topic: string, partition: number): Promise<LockedPlace> {
  return (await lockPartitions(connection, topic, [partition])).get(partition)!;
}

/** `lockPlace` for what stays right whatever log the partition has. @returns its true next offset */
export const lockPartition = async (connection: Connection, topic: string, partition: number): Promise<number> =>
  (await lockPlace(connection, topic, partition)).next;

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
