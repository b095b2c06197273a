import avsc from "avsc";
import { describe, expect, it } from "vitest";
import {
  HostileSchema,
  requireBoundedText,
  requireBoundedTypes,
  SCHEMA_CHARS_MAX,
  SCHEMA_DEPTH_MAX,
  SCHEMA_TYPES_MAX,
  SCHEMA_VALUES_MAX,
} from "../../src/event/avro/schema-bounds.ts";
import { strictType } from "../../src/event/avro/strict-types.ts";
import { EventReader } from "../../src/event/codec.ts";
import { Refusal } from "../../src/event/letter.ts";
import type { Registry } from "../../src/event/registry.ts";
import { EVENT_SCHEMAS } from "../../src/event/schemas.ts";
import { symbol } from "../support/samples.ts";
import { recordsWithin } from "./records-within.ts";

const typeOf = (schema: unknown) => avsc.Type.forSchema(schema as avsc.Schema, { typeHook: strictType });

/** Looks at a schema as the registry does. */
const look = (schema: unknown) => () => {
  requireBoundedText(JSON.stringify(schema));
  requireBoundedTypes(typeOf(schema));
};

const record = (name: string, ...types: unknown[]) => ({
  type: "record",
  name,
  fields: types.map((type, n) => ({ name: `f${n}`, type })),
});

/** A list within a list. @param levels how many */
const nested = (levels: number): unknown => (levels === 0 ? "int" : { type: "array", items: nested(levels - 1) });

const HOSTILE: Readonly<Record<string, unknown>> = {
  "records of which each has the next one twice": recordsWithin(40),
  "records of which each has the next one ten times": recordsWithin(6, 10),
  "such records in an array": { type: "array", items: recordsWithin(40) },
  "such records in a map": { type: "map", values: recordsWithin(40) },
  "such records in a union": ["null", recordsWithin(40)],
  "more characters than any program's schema": record("a".repeat(SCHEMA_CHARS_MAX), "int"),
  "more fields": record("a", ...Array(SCHEMA_VALUES_MAX / 2).fill("int")),
  "more symbols": { type: "enum", name: "a", symbols: Array.from({ length: SCHEMA_VALUES_MAX }, (_, n) => `s${n}`) },
  "lists within lists": nested(SCHEMA_DEPTH_MAX),
};

describe("a schema that nothing is made of", () => {
  it.each(Object.entries(HOSTILE))("has %s", (_, schema) => {
    expect(look(schema)).toThrow(HostileSchema);
  });

  it.each(Object.entries(EVENT_SCHEMAS))("is none of ours: %s", (_, { json }) => {
    expect(look(JSON.parse(json))).not.toThrow();
  });

  it("is no record that has itself: its bytes end it", () => {
    expect(look(record("a", ["null", "a"], { type: "array", items: "a" }))).not.toThrow();
  });

  it("is none with just as many types as are allowed", () => {
    const levels = Math.floor(Math.log2(SCHEMA_TYPES_MAX)) - 1;
    expect(look(recordsWithin(levels))).not.toThrow();
    expect(look(recordsWithin(levels + 1))).toThrow(HostileSchema);
  });

  it.each(["constructor", "__proto__", "hasOwnProperty"])(
    "is none of a type named %s, as an object's member is",
    (name) => {
      for (const schema of [name, { type: name }, { type: name, name: "a", fields: [] }])
        expect(() => typeOf(record("a", schema))).toThrow(/undefined type name|unknown type|not a constructor/);
      // avsc keeps types by their names in an object, which has such a member before.
      expect(() => typeOf(record(name, "int"))).toThrow("duplicate type name");
    },
  );

  it("is no text that isn't JSON, which is refused for that", () => {
    for (const text of ["string", "{"]) expect(() => requireBoundedText(text)).not.toThrow();
  });
});

/** Reads a value whose writer has one more field than ours, at the end. */
function readWith(type: unknown, bytes: Buffer): unknown {
  const schema = JSON.parse(EVENT_SCHEMAS.symbol.json);
  const own = typeOf(schema);
  schema.fields.push({ name: "theirs", type });
  const registry = { writer: () => ({ type: typeOf(schema) }) } as unknown as Registry;
  const event = own.toBuffer(symbol());
  return new EventReader("symbols", registry).read(Buffer.concat([Buffer.from([0, 0, 0, 0, 7]), event, bytes]));
}

/** Avro's block of so many items, without any block behind it. */
const block = (items: number) => avsc.Type.forSchema("long").toBuffer(items);

describe("skipping what only the writer has", () => {
  const empty = record("empty", "null", "null");

  it.each<[what: string, type: unknown, bytes: Buffer]>([
    ["records within records, without an end in any lifetime", recordsWithin(40), Buffer.alloc(0)],
    ["the same where bytes are there", recordsWithin(40), Buffer.alloc(5000, 2)],
    ["records of nothing within them", recordsWithin(40, 2, "null"), Buffer.alloc(0)],
    [
      "an item of one byte among a thousand of none",
      { type: "array", items: record("a", "boolean", ...Array(1000).fill("null")) },
      Buffer.concat([block(60_000), Buffer.alloc(60_000)]),
    ],
    [
      "an item of one byte and records of none",
      { type: "array", items: record("a", "boolean", empty, ...Array(100).fill("empty")) },
      Buffer.concat([block(60_000), Buffer.alloc(60_000)]),
    ],
    ["a record within itself", record("a", "a"), Buffer.alloc(10)],
  ])("ends soon, as a letter: %s", (_, type, bytes) => {
    const read = readWith(type, bytes);
    expect(read).toBeInstanceOf(Refusal);
    expect((read as Refusal).reason).toBe("undecodable");
    expect((read as Refusal).detail).toMatch(/more records than its bytes can hold|call stack|ends early/);
  });

  it.each<[what: string, type: unknown, bytes: Buffer]>([
    ["a record within records", record("a", record("b", "null", record("c", "int"))), Buffer.of(2)],
    ["some of nothing", recordsWithin(8, 2, "null"), Buffer.alloc(0)],
    [
      "many items, each of few bytes",
      { type: "array", items: record("a", "boolean", "null", record("b", "null")) },
      Buffer.concat([block(60_000), Buffer.alloc(60_000), block(0)]),
    ],
  ])("takes what a program writes: %s", (_, type, bytes) => {
    expect(readWith(type, bytes)).toMatchObject({ ticker: "IBM" });
  });
});
