import { EVENT_SCHEMAS } from "../../event/schemas.ts";
import type { Connection } from "../connection.ts";
import { type LandingTable, landingColumns } from "../rows/landing-table.ts";
import { isoOf, literal, quoted } from "../sql.ts";
import { landedEntries } from "./landed-entries.ts";

/** A table whose every event has an audit entry of its own, and which entries those are. */
export interface EntryTable {
  readonly landing: LandingTable;
  /** The full names of its topic that landed here, one a namespace. */
  readonly topics: readonly string[];
  readonly eventType: string;
}

/** A column whose value isn't the entry's; both as text. */
export interface ColumnDifference {
  readonly column: string;
  readonly table: string | null;
  readonly log: string | null;
}

/** A row that isn't as its entry says. */
export interface EntryDifference extends Record<string, unknown> {
  readonly id: string;
  /** `added`: no entry tells of the row. `removed`: an entry tells of a row that isn't there. */
  readonly kind: "changed" | "added" | "removed";
  readonly logId: string | null;
  readonly topic: string | null;
  readonly partition: number | null;
  readonly offset: number | null;
  readonly columns: readonly ColumnDifference[];
  /** Whether the ledger tells of a row that may be this one: of its place, from the moment of its landing. */
  readonly landed: boolean;
  /** Whether the row of an entry may be gone. */
  readonly excused: boolean;
  /** Whether the row is of a later revision than its entry. */
  readonly newer: boolean;
  /** Whether the entry has only its event's id, because the event was too large. */
  readonly idOnly: boolean;
}

/** How much the ledger and the log tell of one kind's rows. */
export interface EntryCounts {
  readonly rows: number;
  readonly entries: number;
  /** Events that landed here and whose entries aren't in the log yet. */
  readonly waiting: number;
  /** How many rows there are more than the ledger counts. */
  readonly surplus: number;
}

/** Settings of a transaction in which values are read as text: they don't depend on the session's own. */
export const prepareTexts = (connection: Connection): Promise<unknown> =>
  connection.query("SET LOCAL TIME ZONE 'UTC'; SET LOCAL datestyle = 'ISO'; SET LOCAL extra_float_digits = 1");

/**
 * SQL; whether the event of an entry `a` may have no row: it is still to come, or its session is deleted, or its batch left
 * events out or lost them, or found duplicates, and the row of its id came by another partition.
 */
const excused = (table: string, id: string): string => `(a.ahead OR EXISTS (SELECT FROM public.backtest_session s
      WHERE s.backtest_session_id = a.backtest_session_id AND s.status = 'deleted')
    OR EXISTS (SELECT FROM tradetape.landed_batch b WHERE b.topic = a.source_topic AND b.partition = a.source_partition
      AND b.kind <> 'removed' AND b.first_offset <= a.source_offset AND b.next_offset > a.source_offset
      AND (b.filtered + b.lost > 0 OR (b.duplicate > 0
        AND EXISTS (SELECT FROM public.${quoted(table)} other WHERE other.${quoted(id)} = a.id)))))`;

/** SQL; whether a row `t` landed in a transaction that the ledger has, and at an offset which that covered. */
const LANDED = `EXISTS (SELECT FROM tradetape.landed_batch b WHERE b.topic = ANY($1::text[])
    AND b.partition = t.source_partition AND b.landed_at = t.landed_at AND b.written + b.replaced > 0
    AND (b.kind = 'release' OR (b.first_offset <= t.source_offset AND b.next_offset > t.source_offset)))`;

/** SQL; columns of a revised row that may lie behind what its entry says, and what it says. */
const RAISED: ReadonlyMap<string, string> = new Map([
  ["revised_at", "a.revised"],
  ["published_at", isoOf(`a."timestamp"`)],
]);

/** SQL; a column that the record gave the row `t`, as text, and what the entry `a` has of it. */
const recordTexts = (name: string): readonly [string, string] =>
  name === "published_at"
    ? [isoOf("t.published_at"), isoOf(`a."timestamp"`)]
    : [`t.${quoted(name)}::text`, `a.${quoted(name)}::text`];

/**
 * SQL; the columns in which a row `t` differs from its entry `a`. Values are compared in the form that a payload has
 * (`readable` of src/audit/entry.ts), so that nothing of a payload is cast: numbers as decimal numbers, of which a double's
 * shortest one is the same in both, and times as text. JSON within JSON is told wherever its text differs.
 */
function differences(landing: LandingTable): string {
  const types = new Map(EVENT_SCHEMAS[landing.event].fields.map(({ name, type }) => [name, type]));
  const parts = landingColumns(landing).map(({ name, from }) => {
    const own = `t.${quoted(name)}`;
    const text = `a.payload -> 'event' ->> ${literal(name)}`;
    const differing = (differ: string, table: string, log: string) =>
      `CASE WHEN ${differ} THEN jsonb_build_object('column', ${literal(name)}, 'table', ${table}, 'log', ${log}) END`;
    const differ = (table: string, log: string) => differing(`${table} IS DISTINCT FROM (${log})`, table, log);
    const raised = landing.repeats === "revised" ? RAISED.get(name) : undefined;
    // By an event of the same content, which has no entry.
    if (raised) return differing(`NOT a.redriven AND ${isoOf(own)} < ${raised}`, isoOf(own), raised);
    if (from === "record") return differ(...recordTexts(name));
    const type = types.get(name);
    if (type === "timestamp") return differ(isoOf(own), text);
    if (type === "uuid") return differ(`${own}::text`, `lower(${text})`);
    if (type === "json") return differ(`${own}::text`, text);
    const value = `a.payload -> 'event' -> ${literal(name)}`;
    return differing(`to_jsonb(${own}) IS DISTINCT FROM (${value})`, `${own}::text`, text);
  });
  return `to_jsonb(array_remove(ARRAY[${parts.join(",\n      ")}], NULL))`;
}

/**
 * Compares the rows of one portion of a table, by their ids, with their entries, and the entries with the rows. Where the
 * first event of an id stays, a row's entry is that of its place in the topic; else the newest one of its id.
 * @param until the first id behind the portion; null for the last one
 * @param ofEvery whether a row is told of beside each entry of its id, alike or not
 */
export function entryDifferences(
  connection: Connection,
  { landing, topics, eventType }: EntryTable,
  from: string,
  until: string | null,
  ofEvery = false,
): Promise<EntryDifference[]> {
  const { key, recordColumns, repeats, final, table } = landing;
  const name = key.at(-1)!;
  const hasPlace = recordColumns.includes("source_offset");
  const within = (column: string) => `${column} >= $3::uuid AND ($4::uuid IS NULL OR ${column} < $4::uuid)`;
  const isFinal =
    final &&
    `CASE WHEN a.payload -> 'event' ->> ${literal(final.column)} = ${literal(final.value)}
      THEN a.source_offset END,`;
  const one =
    repeats === "first"
      ? "DISTINCT ON (id, source_topic, source_partition, source_offset) a.* FROM landed a"
      : `${ofEvery ? "" : "DISTINCT ON (id)"} a.* FROM landed a`;
  const order =
    repeats === "first"
      ? "id, source_topic, source_partition, source_offset, seq"
      : `id, ${isFinal ?? ""} revised DESC, source_offset DESC, seq`;
  const samePlace =
    repeats === "first" ? "AND a.source_partition = t.source_partition AND a.source_offset = t.source_offset" : "";
  return connection.query<EntryDifference>(
    `WITH landed AS (${landedEntries(name)}), entry AS MATERIALIZED (
       SELECT ${one} WHERE ${within("id")} ORDER BY ${order}
     ), row AS MATERIALIZED (SELECT * FROM public.${quoted(table)} WHERE ${within(quoted(name))}),
     pair AS (
       SELECT coalesce(t.${quoted(name)}, a.id)::text AS id, a.log_id AS "logId", a.source_topic AS topic,
         CASE WHEN t.${quoted(name)} IS NULL THEN 'removed' WHEN a.id IS NULL THEN 'added' ELSE 'changed' END AS kind,
         ${hasPlace ? "coalesce(a.source_partition, t.source_partition)" : "a.source_partition"} AS partition,
         ${hasPlace ? "coalesce(a.source_offset, t.source_offset)" : "a.source_offset"} AS "offset",
         CASE WHEN t.${quoted(name)} IS NULL OR a.id IS NULL THEN '[]' ELSE ${differences(landing)} END AS columns,
         a.id IS NOT NULL OR ${hasPlace ? LANDED : "true"} AS landed,
         ${repeats === "revised" ? `coalesce(${isoOf("t.revised_at")} > a.revised, false)` : "false"} AS newer,
         t.${quoted(name)} IS NULL AND ${excused(table, name)} AS excused,
         a.id IS NOT NULL AND (a.payload -> 'event') - ${literal(name)} = '{}' AS "idOnly"
       FROM row t FULL JOIN entry a ON a.id = t.${quoted(name)} ${samePlace}
     )
     SELECT * FROM pair WHERE kind <> 'changed' OR columns <> '[]' OR $5 ORDER BY id`,
    [topics, eventType, from, until, ofEvery],
  );
}

/** What is there to be compared, and how many entries are known to be on their way. */
export async function entryCounts(
  connection: Connection,
  { landing, topics, eventType }: EntryTable,
): Promise<EntryCounts> {
  const [row] = await connection.query<EntryCounts & Record<string, unknown>>(
    `SELECT r.rows, e.entries, greatest(b.told - e.entries, 0) AS waiting, r.rows - b.rows AS surplus
     FROM (SELECT count(*) AS rows FROM public.${quoted(landing.table)}) r,
       (SELECT count(*) AS entries FROM (${landedEntries(landing.key.at(-1)!)}) landed) e,
       (SELECT coalesce(sum(written + replaced), 0)::bigint AS told,
          coalesce(sum(written - removed) FILTER (WHERE kind <> 'removed' OR detail ->> 'table' = $3), 0)::bigint AS rows
        FROM tradetape.landed_batch WHERE topic = ANY($1::text[])) b`,
    [topics, eventType, landing.table],
  );
  return row!;
}
