import type { Connection } from "../connection.ts";
import type { Parent } from "../rows/landing-table.ts";
import { quoted } from "../sql.ts";
import type { StoredHeaders } from "./letters.ts";
import { notServed } from "./stage.ts";
import { refuseSwallowed } from "./swallowed.ts";

/**
 * A page is bounded by bytes, too, because events of a megabyte may park by the thousand, and their letters travel as text
 * of twice their bytes, of which JavaScript holds half a gigabyte at most. It has one event at least.
 */
const PAGE_BYTES_MAX = 8 * 1024 * 1024;

/** SQL: as many of a query's rows, in offset order, as make a page. */
const page = (rows: string): string =>
  `SELECT * FROM (
     SELECT *, sum(octet_length(value)) OVER (ORDER BY "offset") - octet_length(value) AS before FROM (${rows}) parked
   ) measured WHERE before < ${PAGE_BYTES_MAX} ORDER BY "offset"`;

/** A parked event, as a release or an expiry reads it. */
export interface ParkedRecord {
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer;
  readonly headers: StoredHeaders;
  readonly publishedAtMs: number;
}

/**
 * SQL: whether the parents of a parked event `e` have all landed, or it waits for a session that has landed and isn't served,
 * and no other event of its id is parked before it. @param kinds the number of the parameter with the kinds served
 */
function isReady(parents: readonly Parent[], kinds: number): string {
  const landed = parents.map(
    (parent) => `(NOT e.missing ? '${parent.column}' OR EXISTS (SELECT FROM public.${quoted(parent.table)} p
       WHERE p.${quoted(parent.key)} = (e.missing ->> '${parent.column}')::uuid))`,
  );
  return `(${landed.join(" AND ")} OR EXISTS (
         SELECT FROM public.backtest_session s
         WHERE s.backtest_session_id = (e.missing ->> 'backtest_session_id')::uuid AND ${notServed("s", kinds)}))
       AND NOT EXISTS (SELECT FROM tradetape.parked_event o WHERE o.topic = e.topic AND o.event_id = e.event_id
         AND o.partition = e.partition AND o."offset" < e."offset")`;
}

/** Which of these partitions have parked events that `readyParked` would give. */
export async function readyPartitions(
  connection: Connection,
  topic: string,
  partitions: readonly number[],
  parents: readonly Parent[],
  sessionKinds: readonly string[],
): Promise<ReadonlySet<number>> {
  const rows = await connection.query<{ partition: number }>(
    `SELECT asked.partition FROM unnest($2::int[]) AS asked (partition)
     WHERE EXISTS (SELECT FROM tradetape.parked_event e
       WHERE e.topic = $1 AND e.partition = asked.partition AND ${isReady(parents, 3)})`,
    [topic, partitions, sessionKinds],
  );
  return new Set(rows.map(({ partition }) => partition));
}

/**
 * The parked events of a partition whose parents have all landed, in offset order, and those that waited for a session
 * which has landed and isn't served: they are filtered, and their parents may be, too. An event behind another of its
 * own id waits until that one is gone.
 * @param sessionKinds the kinds of sessions that are served
 */
export async function readyParked(
  connection: Connection,
  topic: string,
  partition: number,
  parents: readonly Parent[],
  sessionKinds: readonly string[],
  rowsMax: number,
): Promise<readonly ParkedRecord[]> {
  return connection.query<ParkedRecord & Record<string, unknown>>(
    page(`SELECT e."offset", e.key, e.value, e.headers,
       (extract(epoch FROM e.published_at) * 1000)::double precision AS "publishedAtMs"
     FROM tradetape.parked_event e
     WHERE e.topic = $1 AND e.partition = $2 AND ${isReady(parents, 4)}
     ORDER BY e."offset" LIMIT $3`),
    [topic, partition, rowsMax, sessionKinds],
  );
}

export async function countParked(connection: Connection, topic: string, partition: number): Promise<number> {
  const [row] = await connection.query<{ parked: number }>(
    "SELECT count(*) AS parked FROM tradetape.parked_event WHERE topic = $1 AND partition = $2",
    [topic, partition],
  );
  return row!.parked;
}

/** How many events are parked in each of a topic's partitions that has any. */
export async function parkedByPartition(connection: Connection, topic: string): Promise<ReadonlyMap<number, number>> {
  const rows = await connection.query<{ partition: number; parked: number }>(
    "SELECT partition, count(*) AS parked FROM tradetape.parked_event WHERE topic = $1 GROUP BY partition",
    [topic],
  );
  return new Map(rows.map((row) => [row.partition, row.parked]));
}

/** Parked events of a partition behind an offset, in offset order. */
export function parkedPage(
  connection: Connection,
  page: { readonly topic: string; readonly partition: number; readonly afterOffset: number; readonly rowsMax: number },
): Promise<readonly ParkedRecord[]> {
  return connection.query<ParkedRecord & Record<string, unknown>>(
    `SELECT "offset", key, value, headers, (extract(epoch FROM published_at) * 1000)::double precision AS "publishedAtMs"
     FROM tradetape.parked_event WHERE topic = $1 AND partition = $2 AND "offset" > $3 ORDER BY "offset" LIMIT $4`,
    [page.topic, page.partition, page.afterOffset, page.rowsMax],
  );
}

/** Takes events out of the parking place. The ledger row of the same transaction counts what became of them. */
export async function unpark(
  connection: Connection,
  topic: string,
  partition: number,
  offsets: readonly number[],
): Promise<void> {
  const gone = await connection.run(
    `DELETE FROM tradetape.parked_event WHERE topic = $1 AND partition = $2 AND "offset" = ANY($3::bigint[])`,
    [topic, partition, offsets],
  );
  // Nobody else may take them while the partition is locked.
  refuseSwallowed("tradetape.parked_event", offsets.length - gone);
}

/** The database's time now, as text: deadlines go by this clock, which `parked_event` was filled by. */
export async function databaseTime(connection: Connection): Promise<string> {
  const [row] = await connection.query<{ now: string }>("SELECT clock_timestamp()::text AS now");
  return row!.now;
}

/**
 * The columns of the parents that overdue events of a partition wait for, and the database's time of asking; undefined
 * when none is overdue.
 */
export async function overdueParents(
  connection: Connection,
  topic: string,
  partition: number,
  deadlineMs: number,
): Promise<{ readonly asOf: string; readonly columns: readonly string[] } | undefined> {
  const [row] = await connection.query<{ asOf: string; columns: string[] | null }>(
    `SELECT now()::text AS "asOf", array_agg(DISTINCT k) AS columns FROM tradetape.parked_event e
     CROSS JOIN LATERAL jsonb_object_keys(e.missing) AS k
     WHERE e.topic = $1 AND e.partition = $2 AND e.parked_at <= now() - make_interval(secs => $3 / 1000.0)`,
    [topic, partition, deadlineMs],
  );
  return row?.columns ? { asOf: row.asOf, columns: row.columns } : undefined;
}

export interface ExpiredRecord extends ParkedRecord {
  /** The parents that have not landed by now, by the child's column. */
  readonly absent: Readonly<Record<string, string>>;
  /** Microseconds since 1970, as the ledger row of the batch that parked it. */
  readonly parkedAtUs: number;
}

/**
 * Parked events whose deadline was past at `asOf` and that lack a parent which isn't parked itself: a parked parent may
 * still land, and its children with it.
 * @param parents each with the full name of the topic that its events come from
 */
export async function expiredParked(
  connection: Connection,
  topic: string,
  partition: number,
  parents: readonly (Parent & { readonly topicName: string })[],
  limits: { readonly asOf: string; readonly deadlineMs: number; readonly rowsMax: number },
): Promise<readonly ExpiredRecord[]> {
  const absent = parents.map((parent) => {
    const id = `(e.missing ->> '${parent.column}')::uuid`;
    return `'${parent.column}', CASE WHEN NOT EXISTS (SELECT FROM public.${quoted(parent.table)} p
      WHERE p.${quoted(parent.key)} = ${id}) THEN e.missing ->> '${parent.column}' END`;
  });
  const parked = parents.map(
    (parent, n) => `EXISTS (SELECT FROM tradetape.parked_event p
      WHERE p.topic = ($6::text[])[${n + 1}] AND p.event_id = (absent ->> '${parent.column}')::uuid)`,
  );
  return connection.query<ExpiredRecord & Record<string, unknown>>(
    page(`SELECT "offset", key, value, headers, absent, "publishedAtMs", "parkedAtUs" FROM (
       SELECT e."offset", e.key, e.value, e.headers, jsonb_strip_nulls(jsonb_build_object(${absent.join(", ")})) AS absent,
         (extract(epoch FROM e.published_at) * 1000)::double precision AS "publishedAtMs",
         (extract(epoch FROM e.parked_at) * 1000000)::bigint AS "parkedAtUs"
       FROM tradetape.parked_event e
       WHERE e.topic = $1 AND e.partition = $2 AND e.parked_at <= $3::timestamptz - make_interval(secs => $4 / 1000.0)
     ) overdue
     WHERE absent <> '{}' AND NOT (${parked.join(" OR ")})
     ORDER BY "offset" LIMIT $5`),
    [topic, partition, limits.asOf, limits.deadlineMs, limits.rowsMax, parents.map(({ topicName }) => topicName)],
  );
}
