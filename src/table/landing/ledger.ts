import type { Connection } from "../connection.ts";
import { refuseSwallowed } from "./swallowed.ts";

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
  /** Among `replaced`: events that moved the row before them into the revisions. The others lost against a greater one. */
  readonly superseded: number;
}

/** Names one ledger row for certain: `seq` alone is given again after a rollback, but at another time. */
export interface LedgerKey {
  readonly seq: number;
  readonly landedAt: string;
}

/** A step of a partition's next_offset: the ledger row of it, and its last record with its digest. */
interface Advance {
  readonly partition: number;
  readonly ledger: LedgerRow;
  /** Undefined when there were no records. */
  readonly last?: { readonly offset: number; readonly digest: Buffer } | undefined;
  /** The epoch of the leader that took the range's last offset; undefined where it isn't known, and for no offsets. */
  readonly leaderEpoch?: number | undefined;
  /** Noted with the first landing from a topic. */
  readonly topicId?: string | null;
  /** How often the partition had been rewound when what lands was read; undefined for what isn't from the log. */
  readonly rewinds?: number | undefined;
  /** The claim of the partition under which it was read; undefined for what isn't from the log. */
  readonly claims?: number | undefined;
  /** What a person should find beside the row. */
  readonly detail?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * Writes ledger rows of batches and releases and moves next_offset by compare and set, which is the last fence should the lock
 * ever not hold.
 * @returns each row's key, by which `isInLedger` finds it after a COMMIT whose answer was lost; no key for a partition whose
 * next_offset isn't where its row begins, or that was rewound or claimed since
 */
export async function advanceWhereNext(
  connection: Connection,
  topic: string,
  advances: readonly Advance[],
): Promise<ReadonlyMap<number, LedgerKey>> {
  const rows = await connection.query<LedgerKey & { partition: number }>(
    `SELECT partition, seq, landed_at::text AS "landedAt" FROM tradetape.advance($1, $2::jsonb)`,
    [topic, JSON.stringify(advances.map(recordOf))],
  );
  return new Map(rows.map(({ partition, seq, landedAt }) => [partition, { seq, landedAt }]));
}

const recordOf = ({ partition, ledger, last, leaderEpoch, topicId, rewinds, claims, detail }: Advance): object => ({
  partition,
  ...ledger,
  detail,
  leaderEpoch,
  topicId,
  readAfter: rewinds,
  readUnder: claims,
  lastOffset: last?.offset,
  lastDigest: last?.digest.toString("hex"),
});

/** `advanceWhereNext` for one partition that is locked and whose next_offset was read under the lock. @returns the row's key */
export async function advance(connection: Connection, topic: string, step: Advance): Promise<LedgerKey> {
  const { partition } = step;
  const key = (await advanceWhereNext(connection, topic, [step])).get(partition);
  if (key !== undefined) return key;
  const moved = await connection.query(
    `SELECT partition FROM tradetape.landed_offset
     WHERE topic = $1 AND partition = $2 AND xmin = pg_current_xact_id()::xid`,
    [topic, partition],
  );
  refuseSwallowed("tradetape.landed_batch", moved.length);
  throw new Error(`${topic}/${partition}: next_offset moved under our lock`);
}

/** Whether the row with this key is in the ledger, and so its transaction has committed. */
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
 * The last batches of a topic, by a given time, that have `recordsMin` records together: since when they landed, and how
 * many records they have. It reads the topic's whole ledger, so it is for rare occasions.
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

/** Offsets [from, to) of a partition that are lost, who says so, and why. */
interface Loss {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
  readonly reason: string;
  readonly actionId: string;
  readonly osUser: string;
}

/** Goes on behind a loss that begins at a locked partition's next_offset, and notes the deed, which owes its audit entry. */
export async function advanceBehindLoss(connection: Connection, topic: string, loss: Loss): Promise<void> {
  const { partition, from, to, reason, actionId, osUser } = loss;
  await connection.run("SELECT tradetape.accept_loss($1, $2, $3, $4, $5, $6, $7)", [
    ...[topic, partition, from, to, reason, actionId, osUser],
  ]);
}
