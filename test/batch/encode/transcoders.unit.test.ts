import avsc from "avsc";
import { describe, expect, it } from "vitest";
import { CONSUMERS } from "../../../consumers/all.ts";
import type { Consumer } from "../../../src/batch/consumer.ts";
import type { Encoder } from "../../../src/batch/encode/encoder.ts";
import { strictType } from "../../../src/event/avro/strict-types.ts";
import { EVENT_SCHEMAS, type EventField } from "../../../src/event/schemas.ts";
import fc from "../../support/random/fast-check.ts";
import { NOON } from "../../support/samples.ts";
import { type BothWays, bothWays, encode, type Fields, type RawSchema, SESSIONS, said } from "./both-ways.ts";

const text = fc.oneof(
  fc.string({ unit: "grapheme-ascii", maxLength: 60, size: "max" }),
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.constantFrom("", "tick", "1m", "1min", "a\0b", "\ufffd", "x".repeat(5000), "ü€😀"),
);
const uuid = fc.oneof({ weight: 9, arbitrary: fc.uuid() }, text, fc.constantFrom(...SESSIONS, "0".repeat(36)));
const long = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer({ min: -70_000, max: 70_000 }),
  fc.constantFrom(2 ** 52, -(2 ** 52)),
);

/** Values of a field's type, good and bad ones. */
const VALUES: Readonly<Record<EventField["type"], fc.Arbitrary<unknown>>> = {
  uuid,
  text,
  json: fc.oneof(fc.json({ maxDepth: 2 }), text),
  texts: fc.array(text, { maxLength: 4 }),
  timestamp: fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: 0, max: 3 }).map((d) => NOON + d * 43_200_000_000) },
    long,
  ),
  long,
  int: fc.oneof(fc.integer(), fc.integer({ min: -40_000, max: 40_000 })),
  double: fc.oneof(fc.double(), fc.constantFrom(-0, Number.NaN, Infinity, 5e-324)),
  boolean: fc.boolean(),
};

const valuesOf = (field: EventField): fc.Arbitrary<unknown> =>
  field.symbols ? fc.constantFrom(...field.symbols) : VALUES[field.type];

function eventsOf(fields: readonly EventField[]): fc.Arbitrary<Fields> {
  const arbitrary = (field: EventField) =>
    field.nullable ? fc.option(valuesOf(field), { nil: null }) : valuesOf(field);
  return fc.record(Object.fromEntries(fields.map((field) => [field.name, arbitrary(field)])));
}

const GOOD: Readonly<Record<EventField["type"], unknown>> = {
  uuid: "0198c5a4-8f6e-5c3a-9d2b-5e4f3a2b1c03",
  text: "1min",
  json: "{}",
  texts: ["a", "ü"],
  timestamp: NOON,
  long: -(2 ** 40),
  int: -300,
  double: 0.1,
  boolean: true,
};

const isNullable = (type: unknown): type is unknown[] => Array.isArray(type);

/** What other programs' schemas may look like beside ours, and the values of the fields they add. */
const WRITERS: Readonly<Record<string, (schema: RawSchema) => Fields>> = {
  "our own": () => ({}),
  "one without the fields that have defaults": (schema) => {
    schema.fields = schema.fields.filter((field) => !("default" in field));
    return {};
  },
  "one with fields that we don't know": (schema) => {
    const [first, ...rest] = schema.fields;
    const more = { desk: "string", lots: ["null", "long"], ratio: "double", dark: "boolean", n: ["int", "null"] };
    const added = Object.entries(more).map(([name, type]) => ({ name, type }));
    schema.fields = [added[0]!, first!, ...added.slice(1, 3), ...rest, ...added.slice(3)];
    return { desk: "ü", lots: 2 ** 40, ratio: 1.5, dark: true, n: null };
  },
  "one in another order": (schema) => {
    schema.fields.reverse();
    return {};
  },
  "one whose unions end with null": (schema) => {
    for (const field of schema.fields) {
      if (!isNullable(field.type)) continue;
      field.type = [...field.type].reverse();
      delete field.default;
    }
    return {};
  },
  "one whose enums have grown, as events show": (schema) => {
    const grown: Fields = {};
    for (const field of schema.fields) {
      const { type } = field;
      if (typeof type !== "object" || type === null || !("symbols" in type)) continue;
      field.type = { ...type, symbols: ["GROWN", ...(type.symbols as string[])] };
      grown[field.name] = "GROWN";
    }
    return grown;
  },
  "one with a map": (schema) => {
    schema.fields.push({ name: "tags", type: { type: "map", values: "long" } });
    return { tags: { a: 1 } };
  },
};

/** Damage: what a broken producer or a bent disk makes of a value. */
const damage: fc.Arbitrary<(value: Buffer) => Buffer> = fc.oneof(
  { weight: 6, arbitrary: fc.constant((value: Buffer) => value) },
  fc.nat().map((n) => (value: Buffer) => value.subarray(0, n % (value.length + 1))),
  fc.uint8Array({ minLength: 1, maxLength: 3 }).map((tail) => (value: Buffer) => Buffer.concat([value, tail])),
  fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })).map(([at, byte]) => (value: Buffer) => {
    const bent = Buffer.from(value);
    bent[at % bent.length] = byte;
    return bent;
  }),
);

interface Made extends BothWays {
  readonly encode: (event: Fields) => Buffer;
}

function make(consumer: Consumer, writer: (schema: RawSchema) => Fields): Made {
  const schema = JSON.parse(EVENT_SCHEMAS[consumer.landing.event].json) as RawSchema;
  const added = writer(schema);
  const type = avsc.Type.forSchema(structuredClone(schema) as unknown as avsc.Schema, { typeHook: strictType });
  const encode = (event: Fields) =>
    Buffer.concat([Buffer.from([0, 0, 0, 0, 7]), type.toBuffer({ ...event, ...added })]);
  return { ...bothWays(consumer, schema), encode };
}

/** Counts what the transcoders take. */
function counted(encoder: Encoder): { encoder: Encoder; taken: () => number } {
  let taken = 0;
  const of: Encoder["transcoders"]["of"] = (place) => {
    const transcoder = encoder.transcoders.of(place);
    if (transcoder === undefined) return undefined;
    const write: typeof transcoder.write = (...args) => {
      const isTaken = transcoder.write(...args);
      if (isTaken) taken++;
      return isTaken;
    };
    return new Proxy(transcoder, { get: (own, name) => (name === "write" ? write : Reflect.get(own, name, own)) });
  };
  return { encoder: { ...encoder, transcoders: { of } }, taken: () => taken };
}

describe.each(CONSUMERS.map((consumer) => [consumer.topic, consumer] as const))("%s", (_, consumer) => {
  const { fields } = EVENT_SCHEMAS[consumer.landing.event];
  const events = fc.array(fc.tuple(eventsOf(fields), damage), { minLength: 1, maxLength: 12 });

  it.each(Object.entries(WRITERS))(
    "are the same rows and letters with or without objects, from a schema like %s",
    (_name, writer) => {
      const { fast, slow, encode: bytesOf } = make(consumer, writer);
      const same = (list: readonly (readonly [Fields, (value: Buffer) => Buffer])[]) => {
        const values = list.map(([event, bend]) => bend(bytesOf(event)));
        expect(said(encode(fast, values))).toEqual(said(encode(slow, values)));
      };
      fc.assert(fc.property(events, same), { numRuns: 40 });
    },
  );

  it.each([
    ["our own", 1],
    ["one without the fields that have defaults", 1],
    ["one with fields that we don't know", 1],
    ["one whose unions end with null", 1],
    ["one in another order", 0],
    ["one with a map", 0],
  ])("of a schema like %s, %i of 1 needs no object", (name, wanted) => {
    const { fast, encode: bytesOf } = make(consumer, WRITERS[name]!);
    const { encoder, taken } = counted(fast);
    const event = Object.fromEntries(fields.map((field) => [field.name, field.symbols?.[0] ?? GOOD[field.type]]));
    const { rows } = encode(encoder, [bytesOf(event)]);
    expect(rows.ends).toHaveLength(1);
    expect(taken()).toBe(wanted);
  });
});

describe("values that claim what isn't theirs", () => {
  const { fast, slow } = make(CONSUMERS.find(({ topic }) => topic === "ticks")!, WRITERS["our own"]!);
  const id = Buffer.from(`\x48${SESSIONS[0]}`);
  const body = (time: string, source: Buffer) =>
    Buffer.concat([
      Buffer.from([0, 0, 0, 0, 7]),
      id,
      id,
      Buffer.from(time, "hex"),
      Buffer.alloc(17),
      source,
      Buffer.alloc(5),
    ]);
  const plain = Buffer.from("\x02s");

  it.each([
    ["a time of 2^53", body("8080808080808020", plain)],
    ["a time of 2^53 - 1", body("feffffffffffff1f", plain)],
    ["a time of nine bytes", body("808080808080808001", plain)],
    ["a time padded with zeros", body("828000", plain)],
    ["a text of 100 megabytes", body("02", Buffer.from([0x80, 0x88, 0xde, 0x5f]))],
    ["a text of a negative length", body("02", Buffer.from([0x01]))],
    ["a text that ends in the next value", body("02", Buffer.from([0x10, 0x41]))],
  ])("%s is refused, or landed, as it is with objects", (_, value) => {
    // The one behind it must not be touched, and the buffer must not be outgrown.
    const values = [body("02", plain), value, Buffer.concat([body("02", plain), Buffer.alloc(3000, 0x41)])];
    expect(said(encode(fast, values))).toEqual(said(encode(slow, values)));
  });
});
