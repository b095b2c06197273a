import { contentColumns, type LandingTable, landingColumns, revisionTable } from "../rows/landing-table.ts";
import { quoted } from "../sql.ts";

/** A way to cut a table into parts: what its rows are grouped by, and which rows lie in one part. */
export interface Cut {
  /** SQL; a row's part. */
  readonly key: string;
  /** SQL; whether a row is in the part that this parameter names, so that an index or a partition can tell. */
  readonly within: (parameter: string) => string;
}

/** What of a table has to be the same in two databases, and how a difference is found in it. All texts are SQL. */
export interface ComparedTable {
  readonly name: string;
  readonly relation: string;
  readonly id: string;
  /** By their names, in the order in which they are hashed and shown. */
  readonly columns: readonly string[];
  /** What gives the bytes of the columns whose own hash has 32 bits only, as whole numbers and times have, by column. */
  readonly bytesOf: ReadonlyMap<string, string>;
  /** Those that make two events of one id the same event. */
  readonly content: ReadonlySet<string>;
  /** Columns that each database fills for itself. */
  readonly leftOut: readonly string[];
  readonly partition: Cut;
  readonly hour: Cut | undefined;
  /** Some 256 equal parts of whatever is left. */
  readonly slice: Cut;
  /** Rows that count; true for all. */
  readonly where: string;
}

const EPOCH = "timestamptz '1970-01-01 00:00:00+00'";

const timeCut = (column: string, width: string): Cut => ({
  key: `date_bin('${width}', ${quoted(column)}, ${EPOCH})`,
  within: (p) =>
    `${quoted(column)} >= ${p}::timestamptz AND ${quoted(column)} < ${p}::timestamptz + interval '${width}'`,
});

const valueCut = (key: string, type: string): Cut => ({ key, within: (p) => `${key} = ${p}::${type}` });

/** Rows of a day or later ones. */
export const since = (column: string): Cut => ({
  key: "true",
  within: (p) => `${quoted(column)} >= ${p}::timestamptz`,
});

/** Everything, where a table has neither partitions nor a time that all of its rows have. */
const WHOLE = valueCut("'all'::text", "text");

const SEND: Readonly<Record<string, string>> = { timestamptz: "timestamptz_send", int8: "int8send" };

const CHAIN_COLUMNS = ["seq", "prev_hash", "hash"];

/** Entries that tell what one database did: every other one has its own, or none. */
export const OWN_ENTRIES = "event_type IN ('RECEIPT', 'REPLAY')";

/**
 * A landing table as it is compared: every column that an event or its record gives. The audit trail's links are left
 * out because receipts, which are, lie between the others; `verify` alone proves the chain of each database.
 * @param time the column that says when, undefined where there is none
 */
export function comparedTable(landing: LandingTable, time: string | undefined): ComparedTable {
  const landed = landingColumns(landing);
  const columns = landed.map(({ name }) => name);
  const id = quoted(landing.key.at(-1)!);
  return {
    name: landing.table,
    relation: `public.${quoted(landing.table)}`,
    id: `${id}::text`,
    columns,
    bytesOf: new Map(
      landed.flatMap(({ name, fits }) => Object.keys(fits).flatMap((t) => (SEND[t] ? [[name, SEND[t]]] : []))),
    ),
    content: new Set([...landing.key, ...contentColumns(landing)]),
    leftOut: [
      ...(landing.recordColumns.includes("published_at") ? ["landed_at"] : []),
      ...(landing.chained ? CHAIN_COLUMNS : []),
    ],
    // Days also where rows name their Kafka partition: of an id that came in two, each database may have taken another.
    partition: time === undefined ? WHOLE : timeCut(time, "24 hours"),
    hour: time === undefined ? undefined : timeCut(time, "1 hour"),
    slice: valueCut(`get_byte(uuid_send(${id}), 15)`, "int"),
    where: landing.chained ? `NOT ${OWN_ENTRIES}` : "true",
  };
}

/** What is the same in two databases even where one of them landed before revisions were kept. */
export const withoutHistory = (table: ComparedTable): ComparedTable => ({
  ...table,
  columns: table.columns.filter((column) => column !== "published_at"),
  leftOut: [...table.leftOut, "published_at", `${table.name}_revision`],
});

/** A table's revisions: the same columns, until when each was known, and what replaced it. */
export function comparedRevisions(landing: LandingTable, time: string | undefined): ComparedTable {
  const table = comparedTable(landing, time);
  return {
    ...table,
    name: revisionTable(landing),
    relation: `public.${quoted(revisionTable(landing))}`,
    id: `format('%s, replaced by %s/%s', ${quoted(landing.key.at(-1)!)}, successor_partition, successor_offset)`,
    columns: [...table.columns, "known_to", "successor_partition", "successor_offset"],
    bytesOf: new Map([...table.bytesOf, ["known_to", "timestamptz_send"], ["successor_offset", "int8send"]]),
  };
}

/** SQL; what names a row of the bookkeeping. */
const PLACE = `format('%s/%s/%s', topic, partition, "offset")`;

/** SQL; what names a letter: of a log that was cut, with the rewind that found it so, as each database counts its own. */
export const LETTER_ID = `${PLACE} || CASE WHEN rewind = 0 THEN '' ELSE format(', cut off by rewind %s', rewind) END`;

/** A table of the bookkeeping whose rows are named by topic, partition and offset. */
const byOffset = (name: string, columns: readonly string[], leftOut: readonly string[], id = PLACE): ComparedTable => ({
  name,
  relation: `tradetape.${quoted(name)}`,
  id,
  columns,
  bytesOf: new Map([
    ["offset", "int8send"],
    ["published_at", "timestamptz_send"],
  ]),
  content: new Set(columns),
  leftOut,
  partition: valueCut("topic || '/' || partition", "text"),
  hour: timeCut("published_at", "1 hour"),
  slice: valueCut(`("offset" % 256)::int`, "int"),
  where: "true",
});

const RECORD = ["topic", "partition", "offset", "key", "value", "headers", "published_at"];

/** What people do with letters is one database's own, and so is the wording of what its server said. */
export const DEAD_LETTERS = byOffset(
  "dead_letter",
  [...RECORD, "value_bytes", "value_sha256", "reason", "column_name", "sqlstate"],
  ["detail", "dead_at", "state", "attempts", "acted_at", "acted_by", "note", "redriven_offset", "rewind", "deed_id"],
  LETTER_ID,
);

export const PARKED_EVENTS = byOffset("parked_event", [...RECORD, "event_id"], ["missing", "parked_at"]);
