import { describe, expect, it } from "vitest";
import { CONSUMERS } from "../../../consumers/all.ts";
import type { Consumer } from "../../../src/batch/consumer.ts";
import { EVENT_SCHEMAS, type EventField } from "../../../src/event/schemas.ts";
import type { AvroSchema } from "../../event/avro-writer.ts";
import { NOON } from "../../support/samples.ts";
import { bothWays, goodEvent, messageOf, outcome, type RawSchema, schemaOf, UUID } from "./both-ways.ts";

const TIMES = ["millis", "micros", "nanos"];
const long = (logicalType: string): AvroSchema => ({ type: "long", logicalType });

/** Each of Avro's types, and each of its logical types on each type that it is made for, with a value. */
const WRITTEN: Readonly<Record<string, readonly [AvroSchema, unknown]>> = {
  null: ["null", null],
  boolean: ["boolean", true],
  int: ["int", 3],
  long: ["long", 2 ** 53 - 1],
  float: ["float", 0.1],
  double: ["double", 0.1],
  string: ["string", UUID],
  bytes: ["bytes", Buffer.from(UUID)],
  fixed: [{ type: "fixed", name: "f36", size: 36 }, Buffer.from(UUID)],
  enum: [{ type: "enum", name: "side", symbols: ["BUY"] }, "BUY"],
  map: [{ type: "map", values: "string" }, {}],
  record: [{ type: "record", name: "r", fields: [{ name: "s", type: "string" }] }, { s: UUID }],
  "array of string": [{ type: "array", items: "string" }, [UUID]],
  "array of bytes": [{ type: "array", items: "bytes" }, [Buffer.from(UUID)]],
  "array of long": [{ type: "array", items: "long" }, [3]],
  "array of decimal": [{ type: "array", items: { type: "bytes", logicalType: "decimal" } }, [Buffer.from("1")]],
  "array of time": [{ type: "array", items: long("timestamp-micros") }, [NOON]],
  "string uuid": [{ type: "string", logicalType: "uuid" }, UUID],
  "string of another program's": [{ type: "string", logicalType: "ticker" }, UUID],
  "double of another program's": [{ type: "double", logicalType: "price" }, 0.1],
  "fixed uuid": [{ type: "fixed", name: "f16", size: 16, logicalType: "uuid" }, Buffer.alloc(16)],
  "bytes decimal": [{ type: "bytes", logicalType: "decimal" }, Buffer.from("12")],
  "fixed decimal": [{ type: "fixed", name: "f8", size: 8, logicalType: "decimal" }, Buffer.alloc(8)],
  "bytes big-decimal": [{ type: "bytes", logicalType: "big-decimal" }, Buffer.from("12")],
  "fixed duration": [{ type: "fixed", name: "f12", size: 12, logicalType: "duration" }, Buffer.alloc(12)],
  "int date": [{ type: "int", logicalType: "date" }, 19_787],
  "int time-millis": [{ type: "int", logicalType: "time-millis" }, 52_200_000],
  "int timestamp-micros": [{ type: "int", logicalType: "timestamp-micros" }, 3],
  "string timestamp-micros": [{ type: "string", logicalType: "timestamp-micros" }, "2024-03-05T14:30:00Z"],
  "double timestamp-micros": [{ type: "double", logicalType: "timestamp-micros" }, NOON],
  "long time-micros": [long("time-micros"), 52_200_000_000],
  "long of another program's": [long("epoch-seconds"), NOON / 1_000_000],
  "long timestamp-millis": [long("timestamp-millis"), NOON / 1000],
  "long timestamp-micros": [long("timestamp-micros"), NOON],
  "long timestamp-nanos": [long("timestamp-nanos"), BigInt(NOON) * 1000n + 3n],
  ...Object.fromEntries(TIMES.map((unit) => [`long local-timestamp-${unit}`, [long(`local-timestamp-${unit}`), NOON]])),
};

const TEXTS = ["string", "bytes", "string uuid", "string of another program's"];
const all = (names: readonly string[], read: unknown) => Object.fromEntries(names.map((name) => [name, read]));
/** What a writer may have for a field of each type of ours, and what its value is read as. */
const READ: Readonly<Record<EventField["type"], Readonly<Record<string, unknown>>>> = {
  uuid: all(TEXTS, UUID),
  text: all(TEXTS, UUID),
  json: all(TEXTS, UUID),
  texts: all(["array of string", "array of bytes"], [UUID]),
  timestamp: all(["long timestamp-millis", "long timestamp-micros", "long timestamp-nanos"], NOON),
  long: { int: 3, long: 2 ** 53 - 1, "long of another program's": NOON / 1_000_000 },
  int: { int: 3 },
  double: {
    ...{ int: 3, long: 2 ** 53 - 1, "long of another program's": NOON / 1_000_000, float: Math.fround(0.1) },
    ...all(["double", "double of another program's"], 0.1),
  },
  boolean: { boolean: true },
};

const IS_TIME_UNIT = /^time_unit: its schema doesn't say what the time counts: /;
const IS_UNREADABLE = /^undecodable: its schema can't be read as ours: /;

/** Our schema with this type for the field, and with a union of null and it where ours may be null. */
function schemasWith(consumer: Consumer, { name, nullable }: EventField, type: AvroSchema): RawSchema[] {
  const types = nullable && type !== "null" ? [type, ["null", type]] : [type];
  return types.map((written) => {
    const { fields, ...schema } = schemaOf(consumer);
    return { ...schema, fields: fields.map((field) => (field.name === name ? { name, type: written } : field)) };
  });
}

const ALL_FIELDS = CONSUMERS.flatMap((consumer) =>
  EVENT_SCHEMAS[consumer.landing.event].fields.map((field) => ({ consumer, field, name: field.name })),
);
/** Every time of every kind, and of the other types one field each that may be null, and one that may not. */
const FIELDS = [
  ...ALL_FIELDS.filter(({ field }) => field.type === "timestamp"),
  ...new Map(
    ALL_FIELDS.filter(({ field }) => field.type !== "timestamp").map((one) => {
      const { type, nullable, symbols } = one.field;
      return [`${type} ${nullable} ${symbols === undefined}`, one];
    }),
  ).values(),
].map((one) => [one.consumer.topic, one.name, one] as const);

describe("of each of Avro's types as a writer's", () => {
  it.each(FIELDS)("%s' %s is what was written, or every event is a letter", (_topic, name, { consumer, field }) => {
    const { fields } = EVENT_SCHEMAS[consumer.landing.event];
    const own = schemaOf(consumer).fields.find((raw) => raw.name === name)!.type as AvroSchema;
    const written = field.symbols ? { ...WRITTEN, "our own enum": [own, field.symbols[0]] as const } : WRITTEN;
    const readable = field.symbols ? { "our own enum": field.symbols[0] } : READ[field.type];
    for (const [form, [type, sent]] of Object.entries(written)) {
      const isRead = form === "null" ? field.nullable : form in readable;
      for (const schema of schemasWith(consumer, field, type)) {
        const found = outcome(bothWays(consumer, schema), messageOf(schema, { ...goodEvent(fields), [name]: sent }));
        const said = typeof found === "string" ? found : found[name];
        if (isRead) expect(said, form).toEqual(form === "null" ? null : readable[form]);
        else expect(said, form).toMatch(field.type === "timestamp" && form !== "null" ? IS_TIME_UNIT : IS_UNREADABLE);
        if (!isRead && form !== "enum") expect(said).toContain(`: ${name} is `);
      }
    }
  });

  it("null is refused beside our own type, too, where a field may not be null", () => {
    for (const { consumer, field, name } of ALL_FIELDS.filter((one) => !one.field.nullable)) {
      const schema = schemaOf(consumer);
      const index = schema.fields.findIndex((raw) => raw.name === name);
      schema.fields[index] = { name, type: ["null", schema.fields[index]!.type] };
      const event = goodEvent(EVENT_SCHEMAS[consumer.landing.event].fields);
      const said = outcome(bothWays(consumer, schema), messageOf(schema, event));
      expect(said, `${consumer.topic}.${field.name}`).toMatch(IS_UNREADABLE);
      expect(said).toContain(`: ${name} is null or `);
    }
  });
});
