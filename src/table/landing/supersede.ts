import { contentColumns, type LandingTable, revisionTable } from "../rows/landing-table.ts";
import { equal, list, literal, lookup, OFFSET_COLUMN, quoted, row } from "../sql.ts";

/** The offset of the row that the table has, as if it had been staged before all that are. */
const LANDED = -1;

/**
 * SQL that lands the staged rows one after the other, as if each were a batch of its own, so that neither the table nor its
 * revisions show where a batch was cut. $1: whether offsets are wanted; $2: the topic's partition.
 *
 * A staged row *stands* when it is not older than what stood before it: the greatest (revised_at, offset) of an id stays, and
 * a final row stays whatever comes behind it. What stands and has other content than what stood before is a *turn*: it
 * supersedes that, which goes into the revisions. What stands with the same content is a duplicate, and raises revised_at
 * only. What doesn't stand is outdated, or a duplicate when it says what stood then. The outcome `swallowed` counts rows
 * that were to be written somewhere and were not, as a trigger can make it.
 */
export function supersede(table: LandingTable, relation: string, columns: readonly string[]): string {
  const key = list(table.key);
  const content = contentColumns(table);
  const { final } = table;
  const isFinal = final ? `${quoted(final.column)} = ${literal(final.value)}` : "false";
  const inOrder = `PARTITION BY ${key} ORDER BY ${OFFSET_COLUMN}`;
  const values = columns.map((name) => VALUES_THEN[name] ?? quoted(name)).join(", ");
  const rest = columns.filter((name) => !table.key.includes(name));
  // Of one revision that came by two partitions, the greater offset stays, in whichever order they land.
  const byOffset = columns.includes("source_offset");
  const landed = `FILTER (WHERE ${OFFSET_COLUMN} = ${LANDED}) OVER whole`;
  const raises = `(${OFFSET_COLUMN} <> ${LANDED} OR revised_then > revised_at)`;
  const isLater = "coalesce((revised_at, source_offset) > (landed_revised_at, landed_offset), true)";
  return `WITH landed AS MATERIALIZED (
      SELECT t.* FROM (SELECT DISTINCT ${key} FROM ${quoted(relation)} ORDER BY ${key}) s
      CROSS JOIN ${lookup(table.table, list(columns), equal(table.key, "t", "s"), "FOR UPDATE")} t
    ), told AS (
      SELECT ${list(columns)}, ${OFFSET_COLUMN} FROM ${quoted(relation)}
      UNION ALL SELECT ${list(columns)}, ${LANDED} FROM landed
    ), ranked AS (
      SELECT *, max(revised_at) OVER earlier AS newest_before, max(revised_at) OVER whole AS newest,
        coalesce(bool_or(${isFinal}) OVER earlier, false) AS closed, min(${OFFSET_COLUMN}) OVER whole = ${LANDED} AS repeats
        ${byOffset ? `, max(revised_at) ${landed} AS landed_revised_at, max(source_offset) ${landed} AS landed_offset` : ""}
      FROM told WINDOW whole AS (PARTITION BY ${key}),
        earlier AS (${inOrder} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    ), judged AS (
      SELECT *, NOT closed AND (${isFinal} OR newest_before IS NULL OR revised_at > newest_before
        OR (revised_at = newest_before${byOffset ? ` AND ${isLater}` : ""})) AS stands FROM ranked
    ), counted AS (
      SELECT *, count(*) FILTER (WHERE stands) OVER (${inOrder}) AS place FROM judged
    ), compared AS (
      SELECT c.*, b.place IS NULL AS is_first, ${row(content, "c.")} IS DISTINCT FROM ${row(content, "b.")} AS differs
      FROM counted c LEFT JOIN counted b
        ON ${equal(table.key, "b", "c")} AND b.stands AND b.place = CASE WHEN c.stands THEN c.place - 1 ELSE c.place END
    ), turn AS (
      SELECT *, lead(${OFFSET_COLUMN}) OVER up AS successor,
        coalesce(lead(newest_before) OVER up, CASE WHEN ${isFinal} THEN revised_at ELSE newest END) AS revised_then,
        max(published_at) OVER up AS known_from, greatest(max(published_at) OVER up, lead(published_at) OVER up) AS known_to
      FROM compared WHERE stands AND (is_first OR differs) WINDOW up AS (${inOrder})
    ), superseded AS (
      INSERT INTO public.${quoted(revisionTable(table))} (${list(columns)}, known_to, successor_partition, successor_offset)
      SELECT ${values}, known_to, $2::integer, successor FROM turn WHERE successor IS NOT NULL RETURNING 1
    ), fresh AS (
      INSERT INTO public.${quoted(table.table)} (${list(columns)})
      SELECT ${values} FROM turn WHERE successor IS NULL AND NOT repeats ORDER BY ${key} RETURNING 1
    ), revised AS (
      INSERT INTO public.${quoted(table.table)} (${list(columns)}) SELECT ${values} FROM turn
      WHERE successor IS NULL AND repeats AND ${raises} ORDER BY ${key}
      ON CONFLICT (${key}) DO UPDATE SET ${rest.map((name) => `${quoted(name)} = excluded.${quoted(name)}`).join(", ")}
      RETURNING 1
    )
    SELECT outcome, count(*) AS rows, CASE WHEN $1::boolean THEN array_agg(${OFFSET_COLUMN}) END AS offsets FROM (
      SELECT ${OFFSET_COLUMN}, CASE WHEN is_first THEN 'written' WHEN closed OR NOT differs THEN 'duplicate'
        WHEN stands THEN 'replaced' ELSE 'outdated' END AS outcome
      FROM compared WHERE ${OFFSET_COLUMN} <> ${LANDED}
    ) staged GROUP BY outcome
    UNION ALL SELECT 'swallowed', due - done, NULL FROM (
      SELECT (SELECT count(*) FROM turn WHERE successor IS NOT NULL OR NOT repeats OR ${raises}) AS due,
        (SELECT count(*) FROM superseded) + (SELECT count(*) FROM fresh) + (SELECT count(*) FROM revised) AS done
    ) given WHERE due <> done`;
}

/**
 * SQL of the columns that change while a content stands: revised_at rises with each duplicate, and published_at never goes
 * back from one content to the next, even if the broker's clock does, so that two contents are never known at one time.
 */
const VALUES_THEN: Readonly<Record<string, string>> = { revised_at: "revised_then", published_at: "known_from" };
