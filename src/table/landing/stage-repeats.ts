import { contentColumns, type LandingTable } from "../rows/landing-table.ts";
import { equal, list, literal, lookup, OFFSET_COLUMN, quoted, row } from "../sql.ts";

/**
 * SQL for after the insert: the staged rows whose id is in the table with other content, which become letters, since the
 * table's row stays; and those whose id isn't there at all, so that something has swallowed them.
 */
export function conflicts(table: LandingTable, relation: string): string {
  const { retold } = table;
  const content = contentColumns(table).filter((name) => !retold?.notContent.includes(name));
  const on = equal(table.key, "t", "s");
  const differ = (names: readonly string[]) => `${row(names, "s.")} IS DISTINCT FROM ${row(names, "t.")}`;
  const differs = retold
    ? `(${differ(content)} OR t.${quoted(retold.column)} <> ${literal(retold.value)} AND ${differ(retold.notContent)})`
    : differ(content);
  return `SELECT s.${OFFSET_COLUMN} AS "offset", s.${quoted(table.key.at(-1)!)} AS id, t.differs IS NULL AS swallowed
    FROM ${quoted(relation)} s LEFT JOIN ${lookup(table.table, `${differs} AS differs`, on)} t ON true
    WHERE t.differs IS DISTINCT FROM false ORDER BY 1`;
}

/**
 * SQL that gives one row: the offsets of all repeats, as the text of an array that `insertFresh` takes as it is; and the
 * repeats with other content. A staged row is compared with the table's row of its key, or else with the first staged one.
 */
export function repeats(table: LandingTable, relation: string): string {
  const content = contentColumns(table);
  const id = quoted(table.key.at(-1)!);
  const on = equal(table.key, "t", "s");
  return `SELECT array_agg("offset")::text AS offsets,
      jsonb_agg(jsonb_build_object('offset', "offset", 'id', id) ORDER BY "offset") FILTER (WHERE NOT same) AS conflicts
    FROM (SELECT DISTINCT ON ("offset") * FROM (
      SELECT 1 AS source, s.${OFFSET_COLUMN} AS "offset", s.${id} AS id,
        ${row(content, "s.")} IS NOT DISTINCT FROM ${row(content, "t.")} AS same
      FROM ${quoted(relation)} s CROSS JOIN ${lookup(table.table, "*", on)} t
      UNION ALL
      SELECT 2, "offset", id, same FROM (
        SELECT s.${OFFSET_COLUMN} AS "offset", s.${id} AS id, row_number() OVER in_order AS n,
          ${row(content, "s.")} IS NOT DISTINCT FROM first_value(${row(content, "s.")}) OVER in_order AS same
        FROM ${quoted(relation)} s
        WHERE s.${id} IN (SELECT ${id} FROM ${quoted(relation)} GROUP BY 1 HAVING count(*) > 1)
        WINDOW in_order AS (PARTITION BY ${list(table.key)} ORDER BY ${OFFSET_COLUMN})
      ) staged WHERE n > 1
    ) found ORDER BY "offset", source) repeated`;
}

/** SQL; $1 are the offsets of the repeats. NOT IN is hashed, whatever number of them the planner expects. */
export const insertFresh = (table: LandingTable, relation: string, columns: readonly string[]): string =>
  `INSERT INTO public.${quoted(table.table)} (${list(columns)}) SELECT ${list(columns)} FROM ${quoted(relation)}
    WHERE ${OFFSET_COLUMN} NOT IN (SELECT unnest($1::bigint[]))`;
