import { readFileSync } from "node:fs";

/** The event kinds, by the name of their topic. `dead-letters` isn't one: its messages are other events' raw bytes. */
export const EVENT_BY_TOPIC = {
  symbols: "symbol",
  sessions: "session",
  ticks: "tick",
  quotes: "quote",
  bars: "bar",
  indicators: "indicator",
  predictions: "prediction",
  decisions: "decision",
  fills: "fill",
  performance: "performance",
  outcomes: "outcome",
  calls: "call",
  contents: "content",
  audit: "audit",
} as const;

/** The name of a topic, without a namespace. */
export type EventTopic = keyof typeof EVENT_BY_TOPIC;
export type EventName = (typeof EVENT_BY_TOPIC)[EventTopic];

/** Every topic that holds events. */
export const EVENT_TOPICS = Object.keys(EVENT_BY_TOPIC) as EventTopic[];

/** A column type's name as the schemas use it; `enum` and `string` both land in text. */
export type FieldType = "uuid" | "timestamp" | "json" | "text" | "texts" | "double" | "int" | "long" | "boolean";

export interface EventField {
  readonly name: string;
  readonly type: FieldType;
  readonly nullable: boolean;
  readonly doc: string;
  readonly symbols?: readonly string[];
  readonly hasDefault: boolean;
  /** What is read where a writer's schema lacks the field; undefined without `hasDefault`. */
  readonly default: unknown;
}

interface EventSchema {
  readonly event: EventName;
  readonly doc: string;
  /** The schema as it is registered. */
  readonly json: string;
  readonly fields: readonly EventField[];
}

type RawType = string | { type: string; logicalType?: string; items?: string; symbols?: string[] } | RawType[];
type RawField = { name: string; type: RawType; doc: string; default?: unknown };

/** Schemas lie beside the sources, and `npm run build` copies them beside the compiled files at the same distance. */
const folder = new URL("../../schemas/", import.meta.url);

function readSchema(event: EventName): EventSchema {
  const raw = JSON.parse(readFileSync(new URL(`${event}.avsc`, folder), "utf8")) as {
    doc: string;
    fields: RawField[];
  };
  const fields = raw.fields.map(describe);
  return { event, doc: raw.doc, json: JSON.stringify(raw), fields };
}

function describe(field: RawField): EventField {
  const { name, type, doc } = field;
  const nullable = Array.isArray(type);
  const inner = nullable ? type[1]! : type;
  const symbols = typeof inner === "object" && !Array.isArray(inner) ? inner.symbols : undefined;
  const hasDefault = "default" in field;
  const described = { name, type: fieldType(inner), nullable, doc, hasDefault, default: field.default };
  return symbols ? { ...described, symbols } : described;
}

const TYPE_BY_AVRO: Readonly<Record<string, FieldType>> = {
  "string:uuid": "uuid",
  "string:json": "json",
  "long:timestamp-micros": "timestamp",
  string: "text",
  enum: "text",
  array: "texts",
  double: "double",
  int: "int",
  long: "long",
  boolean: "boolean",
};

function fieldType(type: RawType): FieldType {
  const named =
    typeof type === "object" && !Array.isArray(type) ? type : { type: String(type), logicalType: undefined };
  const key = named.logicalType ? `${named.type}:${named.logicalType}` : named.type;
  const found = TYPE_BY_AVRO[key];
  if (found === undefined) throw new Error(`schemas/: no column type for the Avro type ${JSON.stringify(type)}`);
  return found;
}

export const EVENT_SCHEMAS: Readonly<Record<EventName, EventSchema>> = Object.fromEntries(
  Object.values(EVENT_BY_TOPIC).map((event) => [event, readSchema(event)]),
) as Record<EventName, EventSchema>;

/** The fields of each topic's events that hold times. */
export const TIME_FIELDS = Object.fromEntries(
  EVENT_TOPICS.map((topic) => {
    const times = EVENT_SCHEMAS[EVENT_BY_TOPIC[topic]].fields.filter(({ type }) => type === "timestamp");
    return [topic, times.map(({ name }) => name)];
  }),
) as Record<EventTopic, string[]>;

/** Whether a topic's events have a field of this name. */
export const hasField = (topic: EventTopic, name: string): boolean =>
  EVENT_SCHEMAS[EVENT_BY_TOPIC[topic]].fields.some((field) => field.name === name);
