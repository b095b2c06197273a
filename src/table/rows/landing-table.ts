import type { EventField, EventName, EventTopic, FieldType } from "../../event/schemas.ts";
import { EVENT_SCHEMAS } from "../../event/schemas.ts";
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
export interface Parent {
  readonly column: string;
  /** The topic that its events come from. */
  readonly topic: EventTopic;
  readonly table: string;
  readonly key: string;
  /** Whether the parent belongs to a session, which its child must share. */
  readonly hasSession: boolean;
}

export const SYMBOL_PARENT: Parent = {
  column: "symbol_id",
  topic: "symbols",
  table: "symbol",
  key: "symbol_id",
  hasSession: false,
};

export const SESSION_PARENT: Parent = {
  column: "backtest_session_id",
  topic: "sessions",
  table: "backtest_session",
  key: "backtest_session_id",
  hasSession: false,
};

/** Which of two events of one id stays: the first that landed, or the greatest revision. */
export type RepeatRule = "first" | "revised";

/** How events of one kind lie in their table. */
export interface LandingTable {
  readonly event: EventName;
  readonly table: string;
  /** The unique key, in its index's order; the event's own id is the last column. */
  readonly key: readonly string[];
  /** `direct`: COPY into the table, staged only for repeats. `staged`: always through the temporary table. */
  readonly path: "direct" | "staged";
  readonly repeats: RepeatRule;
  readonly parents: readonly Parent[];
  /** Columns that the record gives, not the event. */
  readonly recordColumns: readonly RecordColumn[];
  /** A column's value after which nothing revises the row any more. */
  readonly final?: { readonly column: string; readonly value: string };
  /** Whether rows are linked into the hash chain before they are inserted. */
  readonly chained?: boolean;
}

export type RecordColumn = "published_at" | "source_partition" | "source_offset";

export interface LandingColumn {
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
    (name): LandingColumn => ({ name, from: "record", nullable: false, fits: RECORD_FITS[name] }),
  );
  return [...ofEvent, ...ofRecord];
}

/** What doesn't make two events of one id different: when they were received, revised or published, and from where. */
const NOT_CONTENT = new Set(["received_at", "revised_at", "published_at", "source_partition", "source_offset"]);

/** The columns that make the content; the audit trail's source coordinates are content, they are the event's own. */
export function contentColumns(table: LandingTable): readonly string[] {
  return landingColumns(table)
    .filter((column) => !table.key.includes(column.name))
    .filter((column) => table.event === "audit" || !NOT_CONTENT.has(column.name))
    .map((column) => column.name);
}
