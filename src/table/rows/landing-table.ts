import type { FieldHolding, FieldOf, OwnIdField } from "../../event/identity.ts";
import type { EVENT_BY_TOPIC, EventField, EventName, EventTopic, FieldType } from "../../event/schemas.ts";
import { EVENT_SCHEMAS } from "../../event/schemas.ts";
import { list } from "../sql.ts";
import {
  type FieldWriter,
  writeBigint,
  writeBoolean,
  writeDouble,
  writeInt,
  writeJsonb,
  writeSmallint,
  writeText,
  writeTexts,
  writeTimestamp,
  writeUuid,
} from "./copy-buffer.ts";

/** A parent that must have landed before the child: the child's column, and the table and key it points at. */
export interface Parent<C extends string = string> {
  readonly column: C;
  /** The topic that its events come from. */
  readonly topic: EventTopic;
  readonly table: string;
  readonly key: string;
  /** Whether the parent belongs to a session, which its child must share. */
  readonly hasSession: boolean;
}

/** Which of two events of one id stays: the first that landed, or the greatest revision. */
type RepeatRule = "first" | "revised";

/** How events of one kind lie in their table. */
export interface LandingTable {
  readonly event: EventName;
  readonly table: string;
  /** The unique key, in its index's order; the event's own id is the last column. */
  readonly key: readonly string[];
  readonly repeats: RepeatRule;
  readonly parents: readonly Parent[];
  /** Columns that the record gives, not the event. */
  readonly recordColumns: readonly RecordColumn[];
  /** Fields in which two events of one id may differ and still be the same event. */
  readonly notContent?: readonly string[];
  /** Fields that may differ as well in events that both have this value in `column`. */
  readonly retold?: { readonly column: string; readonly value: string; readonly notContent: readonly string[] };
  /** A column's value after which nothing revises the row any more. */
  readonly final?: { readonly column: string; readonly value: string };
  /** Whether rows are linked into the hash chain before they are inserted: such a row is never taken out again. */
  readonly chained?: boolean;
}

/** The same as a topic's consumer declares it: it names no field that the topic's events don't have. */
export interface LandingTableOf<T extends EventTopic> extends LandingTable {
  readonly event: (typeof EVENT_BY_TOPIC)[T];
  /** Of fields that are never null, because a unique index holds any number of rows with one. */
  readonly key: readonly [...FieldHolding<string | number, T>[], OwnIdField<T>];
  readonly parents: readonly [] | ParentsOf<T>;
  readonly notContent?: readonly FieldOf<T>[];
  readonly retold?: {
    readonly column: FieldOf<T>;
    readonly value: string;
    readonly notContent: readonly FieldOf<T>[];
  };
  readonly final?: { readonly column: FieldOf<T>; readonly value: string };
}

/** The last is the session, because `StageStatements.misfits` finds by it whose session is deleted or isn't served. */
type ParentsOf<T extends EventTopic> = readonly [
  ...Parent<FieldOf<T>>[],
  Parent<Extract<FieldOf<T>, "backtest_session_id">>,
];

/** Whether events have this field to name another event by: a field that is their own id names nothing else. */
const refersBy = ({ event, key }: LandingTable, field: string): boolean =>
  key.at(-1) !== field && EVENT_SCHEMAS[event].fields.some(({ name }) => name === field);

const hasParent = ({ parents }: LandingTable, column: string): boolean =>
  parents.some((parent) => parent.column === column);

/**
 * Whether an event may belong to a session: then it lands only where the session is served, and its row goes when the
 * session is deleted. Not so a chained row: it names the session that it tells of, and outlives it.
 */
export const hasSessions = (table: LandingTable): boolean => refersBy(table, "backtest_session_id") && !table.chained;

/** Whether a batch passes the session gate before it lands: its events have sessions, and don't park for them. */
export const gatesSessions = (table: LandingTable): boolean =>
  hasSessions(table) && !hasParent(table, "backtest_session_id");

/** Whether a row may name a symbol that never landed: its event doesn't park for it, and no foreign key asks. */
export const mayLackSymbol = (table: LandingTable): boolean =>
  refersBy(table, "symbol_id") && !hasParent(table, "symbol_id");

/** Where the rows of a table go when an event replaces their content, which it does where `repeats` is "revised". */
export const revisionTable = ({ table }: LandingTable): string => `${table}_revision`;

/** The table and, where it has revisions, theirs. */
export const tablesOf = (landing: LandingTable): readonly string[] =>
  landing.repeats === "revised" ? [landing.table, revisionTable(landing)] : [landing.table];

type RecordColumn = "published_at" | "source_partition" | "source_offset" | "signed_by";

interface LandingColumn {
  readonly name: string;
  readonly from: "event" | "record";
  readonly nullable: boolean;
  /** The catalog's type names that the writer fits, in the order of preference. */
  readonly fits: Readonly<Record<string, FieldWriter>>;
}

const FITS: Readonly<Record<FieldType, Readonly<Record<string, FieldWriter>>>> = {
  uuid: { uuid: writeUuid },
  timestamp: { timestamptz: writeTimestamp },
  json: { jsonb: writeJsonb },
  text: { text: writeText },
  texts: { _text: writeTexts },
  double: { float8: writeDouble },
  int: { int4: writeInt, int2: writeSmallint },
  long: { int8: writeBigint },
  boolean: { bool: writeBoolean },
};

const RECORD_FITS: Readonly<Record<RecordColumn, Readonly<Record<string, FieldWriter>>>> = {
  published_at: { timestamptz: writeTimestamp },
  source_partition: { int4: writeInt },
  source_offset: { int8: writeBigint },
  signed_by: { text: writeText },
};

/** The columns of a COPY into this table, in its order: the event's fields, then what the record gives. */
export function landingColumns(table: LandingTable): readonly LandingColumn[] {
  const ofEvent = EVENT_SCHEMAS[table.event].fields.map(
    (field: EventField): LandingColumn => ({
      name: field.name,
      from: "event",
      nullable: field.nullable && !(field.name === "revised_at" && table.repeats === "revised"),
      fits: FITS[field.type],
    }),
  );
  const ofRecord = table.recordColumns.map(
    (name): LandingColumn => ({ name, from: "record", nullable: name === "signed_by", fits: RECORD_FITS[name] }),
  );
  return [...ofEvent, ...ofRecord];
}

/** SQL; the same columns in the same order, as rows of them are hashed (`RowHasher`). */
export const landedList = (table: LandingTable): string => list(landingColumns(table).map(({ name }) => name));

/**
 * The fields in which two events of one id must agree to be the same event: all of the event's own but the key, what the
 * table declares `notContent`, and, where the greatest revision stays, which revision it is.
 */
export function contentColumns(table: LandingTable): readonly string[] {
  const left = new Set<string>([...table.key, ...(table.notContent ?? [])]);
  if (table.repeats === "revised") left.add("revised_at");
  return landingColumns(table)
    .filter(({ name, from }) => from === "event" && !left.has(name))
    .map(({ name }) => name);
}
