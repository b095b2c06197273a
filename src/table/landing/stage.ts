import { type LinkRule, NO_RULES_OFF, type RulesOff } from "../../event/rules.ts";
import type { Connection } from "../connection.ts";
import { type LandingTable, landingColumns } from "../rows/landing-table.ts";
import { list, literal, lookup, OFFSET_COLUMN, quoted } from "../sql.ts";
import { firstBrokenSql, linksOf, totalsSql } from "./links.ts";
import { conflicts, insertFresh, repeats } from "./stage-repeats.ts";
import { supersede } from "./supersede.ts";

/**
 * The staged path's statements for one table, made once from its declaration, so that no event's value is part of them.
 * Each staged row has its record's offset beside it, so that every outcome can name its record.
 */
export interface StageStatements {
  /** The table that the staged rows go to. */
  readonly table: string;
  readonly relation: string;
  readonly create: string;
  readonly copy: string;
  readonly columnCount: number;
  /** Finds the misfits: staged rows that must not be inserted, each with the reasons. Undefined where there are no parents. */
  readonly misfits: string | undefined;
  /** Finds the rows that may bring a total above what their parent allows; undefined where no rule is about one. */
  readonly totals: { readonly rule: LinkRule; readonly sql: string } | undefined;
  readonly siblings: string;
  readonly discard: string;
  /** Finds the offsets of the rows that the stage holds now. */
  readonly held: string;
  readonly insert: string;
  readonly conflicts: string;
  /** Finds the staged rows whose key is in the table, or is staged at a lower offset. */
  readonly repeats: string;
  /** Inserts the staged rows that are no repeats, without ON CONFLICT. */
  readonly insertFresh: string;
}

/** @param off rules that are not asked */
export function stageStatements(table: LandingTable, off: RulesOff = NO_RULES_OFF): StageStatements {
  const columns = landingColumns(table).map((column) => column.name);
  const relation = `stage_${table.table}`;
  const id = quoted(table.key.at(-1)!);
  const links = linksOf(table, off);
  const total = links.find((link) => link.total);
  return {
    table: table.table,
    relation,
    // With the target's checks, COPY refuses bad data and names its line. ON COMMIT DELETE ROWS keeps the table for the
    // session's next batch, because a table per batch would bloat the catalog.
    create: `CREATE TEMPORARY TABLE ${quoted(relation)} (LIKE public.${quoted(table.table)} INCLUDING CONSTRAINTS
      INCLUDING DEFAULTS, ${OFFSET_COLUMN} bigint NOT NULL) ON COMMIT DELETE ROWS;
      ${lenient(relation, [...columns, OFFSET_COLUMN])}`,
    copy: `COPY ${quoted(relation)} (${list(columns)}, ${OFFSET_COLUMN}) FROM STDIN (FORMAT binary)`,
    columnCount: columns.length + 1,
    misfits: table.parents.length > 0 ? misfits(table, relation, id, links) : undefined,
    totals: total && { rule: total, sql: totalsSql(table, total) },
    siblings: `SELECT ${OFFSET_COLUMN} AS "offset", ${id} AS id FROM ${quoted(relation)}
      WHERE ${id} = ANY($1::uuid[]) AND NOT ${OFFSET_COLUMN} = ANY($2::bigint[])`,
    held: `SELECT ${OFFSET_COLUMN} AS "offset" FROM ${quoted(relation)} ORDER BY 1`,
    discard: `DELETE FROM ${quoted(relation)} WHERE ${OFFSET_COLUMN} = ANY($1::bigint[])`,
    insert: table.repeats === "first" ? insertFirst(table, relation, columns) : supersede(table, relation, columns),
    conflicts: conflicts(table, relation),
    repeats: repeats(table, relation),
    insertFresh: insertFresh(table, relation, columns),
  };
}

/** The big topics' COPY, straight into the table. */
export function directCopy(table: LandingTable): string {
  const columns = landingColumns(table).map((column) => column.name);
  return `COPY public.${quoted(table.table)} (${list(columns)}) FROM STDIN (FORMAT binary)`;
}

/**
 * SQL: lets all columns but these be null in the stage, which knows neither how the table generates them nor, in the chain's
 * case, what `link_entries` will put there.
 */
const lenient = (relation: string, filled: readonly string[]) =>
  `DO $$ DECLARE other name; BEGIN
     FOR other IN SELECT attname FROM pg_attribute WHERE attrelid = 'pg_temp.${relation}'::regclass AND attnum > 0
       AND attnotnull AND attname <> ALL (ARRAY[${filled.map(literal).join(", ")}])
     LOOP EXECUTE format('ALTER TABLE pg_temp.${relation} ALTER %I DROP NOT NULL', other); END LOOP;
   END $$`;

/**
 * SQL for `StageStatements.misfits`. $1 is the topic, by which, and by a row's partition, events are found whose id is parked:
 * they wait behind it. $2 are the kinds of sessions that are served.
 */
function misfits(table: LandingTable, relation: string, id: string, links: readonly LinkRule[]): string {
  const parents = table.parents.map((parent, index) => ({ ...parent, alias: `p${index}`, ref: quoted(parent.column) }));
  const absent = parents.map((p) => `s.${p.ref} IS NOT NULL AND ${p.alias}.${quoted(p.key)} IS NULL`);
  const mismatch = parents
    .filter((p) => p.hasSession)
    .map(
      (p) =>
        `(${p.alias}.${quoted(p.key)} IS NOT NULL
          AND ${p.alias}.backtest_session_id IS DISTINCT FROM s.backtest_session_id)`,
    );
  const session = parents.find((p) => p.table === "backtest_session");
  if (!session) throw new Error(`${table.table} has parents and no session among them`);
  const behind = (how: string) => `EXISTS (SELECT FROM tradetape.parked_event e
      WHERE e.topic = $1 AND e.partition = s.source_partition AND ${how} AND e."offset" < s.${OFFSET_COLUMN})`;
  // What counts into a total waits behind whatever waits for the same parent, so that the first to be published is counted
  // first. Of that it says that it waits for the parent, even if that has landed by now: others wait behind it in turn.
  const total = links.find((link) => link.total);
  const behindTotal = total && behind(`e.missing ->> '${total.by}' = s.${quoted(total.by)}::text`);
  const missingOf = (p: { readonly column: string; readonly ref: string }, i: number) =>
    `'${p.column}', CASE WHEN ${absent[i]}${total?.by === p.column ? ` OR ${behindTotal}` : ""} THEN s.${p.ref} END`;
  const aliases = new Map(parents.map(({ column, alias }) => [column, alias]));
  return `SELECT * FROM (
    SELECT s.${OFFSET_COLUMN} AS "offset", s.${id} AS id,
      jsonb_strip_nulls(jsonb_build_object(${parents.map(missingOf).join(", ")})) AS missing,
      ${mismatch.length > 0 ? mismatch.join(" OR ") : "false"} AS mismatch,
      coalesce(${notServed(session.alias, 2)}, false) AS filtered, ${behind(`e.event_id = s.${id}`)} AS behind,
      ${firstBrokenSql(links, aliases)} AS broken
    FROM ${quoted(relation)} s ${parents
      .map((p) => `LEFT JOIN ${lookup(p.table, "*", `t.${quoted(p.key)} = s.${p.ref}`)} ${p.alias} ON true`)
      .join(" ")}
  ) v WHERE missing <> '{}' OR mismatch OR filtered OR behind OR broken IS NOT NULL ORDER BY "offset"`;
}

/** SQL: whether events of this session don't land. @param kinds the number of the parameter with the kinds served */
export const notServed = (alias: string, kinds: number): string =>
  `(${alias}.status = 'deleted' OR NOT ${alias}.kind = ANY($${kinds}::text[]))`;

/** SQL: of an id the lowest offset is the first. Sorted by key, or two partitions would deadlock on each other's rows. */
function insertFirst(table: LandingTable, relation: string, columns: readonly string[]): string {
  const key = list(table.key);
  // Where rows have no offset, their keys lead back to the staged ones.
  const hasOffset = columns.includes("source_offset");
  const [told, offset, joined] = hasOffset
    ? ["source_offset", "source_offset", ""]
    : [key, OFFSET_COLUMN, ` JOIN first USING (${key})`];
  return `WITH first AS (
      SELECT DISTINCT ON (${key}) * FROM ${quoted(relation)} ORDER BY ${key}, ${OFFSET_COLUMN}
    ), inserted AS (
      INSERT INTO public.${quoted(table.table)} (${list(columns)}) SELECT ${list(columns)} FROM first ORDER BY ${key}
      ON CONFLICT (${key}) DO NOTHING RETURNING ${told}
    )
    SELECT 'written' AS outcome, count(*) AS rows, CASE WHEN $1::boolean THEN array_agg(${offset}) END AS offsets
    FROM inserted${joined}`;
}

/** The stages that sessions are known to have for good: what a transaction makes goes with it when it is rolled back. */
const prepared = new WeakMap<Connection, Set<string>>();

/** Whether the session is known to have the stage. */
export const hasStage = (connection: Connection, { relation }: StageStatements): boolean =>
  prepared.get(connection)?.has(relation) === true;

/** Makes the session's temporary table if this is the first staged batch on it. Call it before all else in a transaction. */
export async function prepareStage(connection: Connection, stage: StageStatements): Promise<void> {
  if (hasStage(connection, stage)) return;
  const [found] = await connection.query<{ there: boolean }>("SELECT to_regclass($1) IS NOT NULL AS there", [
    `pg_temp.${stage.relation}`,
  ]);
  if (found?.there) prepared.set(connection, (prepared.get(connection) ?? new Set()).add(stage.relation));
  else await connection.query(stage.create);
}

/** The offsets of the rows that the stage holds now, in their order. */
export async function stagedOffsets(connection: Connection, { held }: StageStatements): Promise<readonly number[]> {
  const rows = await connection.query<{ offset: number }>(held);
  return rows.map(({ offset }) => offset);
}
