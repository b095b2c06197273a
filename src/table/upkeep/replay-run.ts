import { committed } from "../committed.ts";
import type { Connection } from "../connection.ts";
import { LEDGER_COUNTS, type LedgerCounts } from "../landing/ledger.ts";
import { dropIndexes, type IndexStatement, secondaryIndexes } from "./secondary-indexes.ts";

/** What a replay is doing, in this order. A run that was cut off goes on with what it was doing. */
export const REPLAY_STATES = ["loading", "settling", "indexing", "verifying", "telling", "finished"] as const;
export type ReplayState = (typeof REPLAY_STATES)[number];

/** One replay into this database. @typeParam P what the plan holds is the replay's business */
export interface ReplayRun<P> {
  readonly runId: string;
  readonly planDigest: string;
  readonly plan: P;
  readonly whole: boolean;
  readonly state: ReplayState;
  readonly indexes: readonly IndexStatement[];
  /** The database's times, as it writes them. */
  readonly startedAt: string;
  readonly finishedAt: string | null;
  readonly result: unknown;
}

const COLUMNS = `run_id AS "runId", plan_digest AS "planDigest", plan, whole, state, indexes,
  started_at::text AS "startedAt", finished_at::text AS "finishedAt", result`;

/** The replay that has not finished; there is one at most. */
export async function unfinishedRun<P>(connection: Connection): Promise<ReplayRun<P> | undefined> {
  const rows = await connection.query<ReplayRun<P> & Record<string, unknown>>(
    `SELECT ${COLUMNS} FROM tradetape.replay_run WHERE state <> 'finished'`,
  );
  return rows[0];
}

/** What earlier replays into this database asked for, and what they came to. */
export function finishedRuns<P, R>(
  connection: Connection,
): Promise<readonly { readonly runId: string; readonly plan: P; readonly result: R }[]> {
  return connection.query(
    `SELECT run_id AS "runId", plan, result FROM tradetape.replay_run WHERE state = 'finished' ORDER BY started_at`,
  );
}

/** The latest runs, the newest first; unfinished ones among them. */
export function latestRuns<P>(connection: Connection, runsMax: number): Promise<ReplayRun<P>[]> {
  return connection.query<ReplayRun<P> & Record<string, unknown>>(
    `SELECT ${COLUMNS} FROM tradetape.replay_run ORDER BY replay_run.started_at DESC LIMIT $1`,
    [runsMax],
  );
}

/**
 * Notes a new run and, in the same transaction, drops the indexes that it is faster without: whoever finds them gone
 * finds in the run how to make them again.
 * @param emptyTables those to load without their indexes; those of a table that is in use stay
 */
export async function beginRun<P>(
  connection: Connection,
  run: Pick<ReplayRun<P>, "planDigest" | "plan" | "whole"> & { readonly topics: readonly string[] },
  emptyTables: readonly string[],
): Promise<ReplayRun<P>> {
  return committed(connection, async () => {
    const indexes = await secondaryIndexes(connection, emptyTables);
    await dropIndexes(connection, indexes);
    const [row] = await connection.query<ReplayRun<P> & Record<string, unknown>>(
      `INSERT INTO tradetape.replay_run (plan_digest, plan, topics, whole, indexes, state)
       VALUES ($1, $2, $3, $4, $5, 'loading') RETURNING ${COLUMNS}`,
      [run.planDigest, JSON.stringify(run.plan), run.topics, run.whole, JSON.stringify(indexes)],
    );
    return row!;
  });
}

/** Notes what a run does now. Its COMMIT waits for the disk, and with it everything that was committed before. */
export async function noteState(connection: Connection, runId: string, state: ReplayState): Promise<void> {
  await connection.run("UPDATE tradetape.replay_run SET state = $2, updated_at = now() WHERE run_id = $1", [
    runId,
    state,
  ]);
}

export async function noteCounts(connection: Connection, runId: string, counts: unknown): Promise<void> {
  await connection.run("UPDATE tradetape.replay_run SET counts = $2, updated_at = now() WHERE run_id = $1", [
    runId,
    JSON.stringify(counts),
  ]);
}

/**
 * Notes what a run came to, before it is told to anybody: whoever tells it again tells the same.
 * @returns what is noted, and when that was, in microseconds since 1970
 */
export async function noteResult<R>(
  connection: Connection,
  runId: string,
  result: R,
): Promise<{ readonly result: R; readonly finishedUs: number }> {
  const [row] = await connection.query<{ result: R; finishedUs: number }>(
    `UPDATE tradetape.replay_run SET result = coalesce(result, $2), state = 'telling', updated_at = now(),
       finished_at = coalesce(finished_at, now())
     WHERE run_id = $1 RETURNING result, (extract(epoch FROM finished_at) * 1000000)::bigint AS "finishedUs"`,
    [runId, JSON.stringify(result)],
  );
  return row!;
}

/** Replays that keep live consumers of these topics out: unfinished, or of a part of what the topics hold. */
export async function runsInTheWay(
  connection: Connection,
  topics: readonly string[],
): Promise<readonly { readonly runId: string; readonly isFinished: boolean; readonly topics: readonly string[] }[]> {
  return connection.query(
    `SELECT run_id AS "runId", state = 'finished' AS "isFinished", topics FROM tradetape.replay_run
     WHERE topics && $1::text[] AND NOT (whole AND state = 'finished') ORDER BY started_at`,
    [topics],
  );
}

/** What the ledger counts per topic since a run began. */
export interface LoadedTopic extends LedgerCounts {
  readonly topic: string;
}

export function loadedTopics(
  connection: Connection,
  topics: readonly string[],
  since: string,
): Promise<readonly LoadedTopic[]> {
  const sums = LEDGER_COUNTS.map((column) => `coalesce(sum(${column}), 0)::bigint AS ${column}`).join(", ");
  return connection.query<LoadedTopic & Record<string, unknown>>(
    `SELECT t.topic, ${sums} FROM unnest($1::text[]) WITH ORDINALITY AS t (topic, n)
     LEFT JOIN tradetape.landed_batch b ON b.topic = t.topic AND b.landed_at >= $2::timestamptz
     GROUP BY t.topic, t.n ORDER BY t.n`,
    [topics, since],
  );
}

/** Tables that hold rows, and topics that have landed here: what a replay would mix its own with. */
export async function tablesInUse(connection: Connection, tables: readonly string[]): Promise<readonly string[]> {
  const used: string[] = [];
  // A database of an older shape, which a dry run looks at, lacks the newest tables.
  const there = await connection.query<{ name: string }>(
    "SELECT name FROM unnest($1::text[]) WITH ORDINALITY AS t (name, n) WHERE to_regclass(name) IS NOT NULL ORDER BY n",
    [["tradetape.landed_batch", ...tables.map((name) => `public.${name}`)]],
  );
  for (const { name: table } of there) {
    const [row] = await connection.query<{ used: boolean }>(`SELECT EXISTS (SELECT FROM ${table}) AS used`);
    if (row!.used) used.push(table);
  }
  return used;
}

/** Events that a run gave up since it began: letters for want of a parent, and those filtered with their parents. */
export async function givenUp(
  connection: Connection,
  topics: readonly string[],
  since: string,
): Promise<{ readonly missingParent: number; readonly outsideWindow: number }> {
  const [row] = await connection.query<{ missingParent: number; outsideWindow: number }>(
    `SELECT (SELECT count(*) FROM tradetape.dead_letter WHERE topic = ANY($1) AND reason = 'missing_parent'
         AND dead_at >= $2::timestamptz) AS "missingParent",
       (SELECT coalesce(sum(filtered), 0)::bigint FROM tradetape.landed_batch WHERE topic = ANY($1)
         AND detail ->> 'filtered' = 'outside_window' AND landed_at >= $2::timestamptz) AS "outsideWindow"`,
    [topics, since],
  );
  return row!;
}
