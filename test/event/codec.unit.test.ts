import avsc from "avsc";
import { describe, expect, it } from "vitest";
import { strictType } from "../../src/event/avro/strict-types.ts";
import { EventReader, encodeEvent, stampSchemaId } from "../../src/event/codec.ts";
import type { TickEvent } from "../../src/event/events.ts";
import { Refusal } from "../../src/event/letter.ts";
import type { Registry, WriterSchema } from "../../src/event/registry.ts";
import { EVENT_SCHEMAS } from "../../src/event/schemas.ts";
import fc from "../support/random/fast-check.ts";
import { AVRO_TYPES } from "./avro-types.ts";

type RawField = { name: string; type: unknown; default?: unknown };
type RawSchema = { fields: RawField[] };

/** A registry that has been asked already. */
function registryOf(writers: Record<number, WriterSchema>): Registry {
  return {
    register: () => Promise.reject(new Error("not in this test")),
    fetch: () => Promise.reject(new Error("not in this test")),
    writer: (id) => writers[id],
    isStale: (id) => writers[id] === undefined,
  };
}

function tickSchema(change: (schema: RawSchema) => void): RawSchema {
  const schema = JSON.parse(EVENT_SCHEMAS.tick.json) as RawSchema;
  change(schema);
  return schema;
}

const parse = (schema: unknown) => avsc.Type.forSchema(schema as avsc.Schema, { typeHook: strictType });

/** A value written by another program's schema, under id 7. */
function written(schema: unknown, event: object): Buffer {
  const body = avsc.Type.forSchema(schema as avsc.Schema).toBuffer(event);
  return Buffer.concat([Buffer.from([0, 0, 0, 0, 7]), body]);
}

const readerOf = (schema: unknown) => new EventReader("ticks", registryOf({ 7: { type: parse(schema) } }));

const TICK: Required<TickEvent> = {
  market_data_id: "0198c5a4-8f6e-5c3a-9d2b-5e4f3a2b1c0d",
  symbol_id: "0198c5a4-8f6e-5c3a-9d2b-5e4f3a2b1c0e",
  timestamp: 1_381_152_600_123_456,
  timestamp_ns: 7,
  close: 184.25,
  volume: 100,
  source: "lean",
  trade_id: null,
  venue: "P",
  conditions: ["80000000", "ünïcode €"],
  received_at: null,
  backtest_session_id: null,
};
const OWN = readerOf(JSON.parse(EVENT_SCHEMAS.tick.json));
const own = (event: object = TICK) => encodeEvent("ticks", 7, event);
const refusal = (result: object) => (result instanceof Refusal ? `${result.reason}: ${result.detail}` : "an event");

describe("the wire format", () => {
  it("is magic byte 0, the schema's id as big-endian int32, then Avro's bytes and nothing else", () => {
    const value = encodeEvent("ticks", 0x01020304, TICK);
    expect([...value.subarray(0, 5)]).toEqual([0, 1, 2, 3, 4]);
    expect(value.subarray(5)).toEqual(AVRO_TYPES.tick.toBuffer(TICK));
  });

  it("takes an event larger than the buffer it is built in", () => {
    const venue = "x".repeat(300_000);
    const value = own({ ...TICK, venue });
    expect(OWN.read(value)).toMatchObject({ venue, source: "lean" });
  });

  it("gives each event bytes of its own", () => {
    const first = own();
    const copy = Buffer.from(first);
    own({ ...TICK, close: 1 });
    expect(first).toEqual(copy);
  });

  it("lets the schema's id be set later", () => {
    const value = encodeEvent("ticks", 0, TICK);
    stampSchemaId(value, 7);
    expect(value).toEqual(own());
  });

  it("reads back what was written, for any doubles, times and texts", () => {
    const event = fc.record({
      ...Object.fromEntries(Object.entries(TICK).map(([name, value]) => [name, fc.constant(value)])),
      timestamp: fc.maxSafeInteger(),
      close: fc.double({ noNaN: true }),
      venue: fc.option(fc.string({ unit: "binary" })),
      conditions: fc.option(fc.array(fc.string({ unit: "grapheme" }))),
    });
    const comesBack = (tick: object) => {
      expect({ ...OWN.read(own(tick)) }).toEqual(tick);
    };
    fc.assert(fc.property(event, comesBack), { numRuns: 50 });
  });
});

describe("reading values that are no events", () => {
  it.each([
    ["no value", null, "null_value: the message has no value"],
    ["an empty value", Buffer.alloc(0), "not_avro: 0 bytes, too short for a header"],
    ["four bytes", Buffer.from([0, 0, 0, 1]), "not_avro: 4 bytes, too short for a header"],
    ["JSON", Buffer.from('{"close":1}'), "not_avro: begins with byte 123, not with 0"],
    ["a header alone", Buffer.from([0, 0, 0, 0, 7]), "undecodable: the value ends early"],
    ["one byte too few", own().subarray(0, -1), "undecodable: the value ends early"],
    ["one byte too many", Buffer.concat([own(), Buffer.from([0])]), "undecodable: 1 bytes too many"],
  ])("refuses %s", (_, value, expected) => {
    expect(refusal(OWN.read(value))).toBe(expected);
  });

  it("refuses the event of an unknown schema for as long as the registry has none", () => {
    const writers: Record<number, WriterSchema> = { 7: { reason: "the registry has no schema 7" } };
    const reader = new EventReader("ticks", registryOf(writers));
    expect(refusal(reader.read(own()))).toBe("unknown_schema: the registry has no schema 7");
    writers[7] = { type: parse(JSON.parse(EVENT_SCHEMAS.tick.json)) };
    expect(reader.read(own())).toMatchObject(TICK);
  });

  it("says once which schemas have to be fetched, and skips what names none", () => {
    const reader = new EventReader("ticks", registryOf({ 7: { type: parse(JSON.parse(EVENT_SCHEMAS.tick.json)) } }));
    const values = [own(), encodeEvent("ticks", 9, TICK), null, Buffer.from("junk!"), encodeEvent("ticks", 9, TICK)];
    expect(reader.missing(values)).toEqual([9]);
  });

  it("ends the program that reads without fetching", () => {
    expect(() => OWN.read(encodeEvent("ticks", 99, TICK))).toThrow("schema 99 was not fetched");
  });

  it("never throws and never runs away, whatever the bytes", () => {
    const bytes = fc.uint8Array({ minLength: 0, maxLength: 300 });
    fc.assert(
      fc.property(bytes, (body) => {
        OWN.read(Buffer.concat([Buffer.from([0, 0, 0, 0, 7]), body]));
      }),
      { numRuns: 2000 },
    );
  });
});

/** The field's bytes in an encoded tick are found by a text that stands there alone. */
function replaced(value: Buffer, marker: string, bytes: readonly number[]): Buffer {
  const at = value.indexOf(marker);
  const copy = Buffer.from(value);
  copy.set(bytes, at);
  return copy;
}

describe("reading bytes that avsc would trust", () => {
  it("refuses invalid UTF-8 instead of replacing it", () => {
    const value = replaced(own({ ...TICK, source: "MARKER" }), "MARKER", [0xff, 0xfe]);
    expect(refusal(OWN.read(value))).toBe("undecodable: invalid UTF-8");
  });

  it("takes U+FFFD where it was sent", () => {
    expect(OWN.read(own({ ...TICK, source: "a\ufffdb" }))).toMatchObject({ source: "a\ufffdb" });
  });

  it("refuses a text that claims a negative length", () => {
    const value = replaced(own({ ...TICK, source: "MARKER" }), "\x0cMARKER", [1]);
    expect(OWN.read(value)).toBeInstanceOf(Refusal);
  });

  it("refuses a time beyond 2^53 instead of rounding it", () => {
    const head = Buffer.concat([TICK.market_data_id, TICK.symbol_id].map((id) => Buffer.from(`\x48${id}`)));
    const long = Buffer.from([0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);
    const value = Buffer.concat([Buffer.from([0, 0, 0, 0, 7]), head, long, Buffer.alloc(40)]);
    expect(refusal(OWN.read(value))).toBe("undecodable: a long beyond 2^53");
  });

  it.each([-(2 ** 52), -(2 ** 52) - 1, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER])(
    "writes and reads a long of %i, whose sign avsc would lose or which it would refuse",
    (received_at) => {
      expect(OWN.read(own({ ...TICK, received_at }))).toMatchObject({ received_at, backtest_session_id: null });
    },
  );

  it.each([
    ["keeps the sign of a large long", [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f], { volume: -(2 ** 53) }],
    [
      "refuses a long between two doubles",
      [0x82, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20],
      { reason: "undecodable", detail: "9007199254740993 is a long that no double holds" },
    ],
  ])("%s that is read as a double", (_, long, expected) => {
    const schema = tickSchema((s) => {
      s.fields.find((f) => f.name === "volume")!.type = "long";
    });
    const doubled = own({ ...TICK, volume: 0 });
    const at = doubled.indexOf("\x08lean") - 8;
    const value = Buffer.concat([doubled.subarray(0, at), Buffer.from(long), doubled.subarray(at + 8)]);
    expect(readerOf(schema).read(value)).toMatchObject(expected);
  });

  it("refuses a long of more than 64 bits", () => {
    const schema = tickSchema((s) => {
      s.fields.find((f) => f.name === "timestamp")!.type = { type: "long", logicalType: "timestamp-nanos" };
    });
    const head = Buffer.concat([TICK.market_data_id, TICK.symbol_id].map((id) => Buffer.from(`\x48${id}`)));
    const long = Buffer.from([0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x03]);
    const value = Buffer.concat([Buffer.from([0, 0, 0, 0, 7]), head, long, Buffer.alloc(40)]);
    expect(refusal(readerOf(schema).read(value))).toBe("undecodable: a long of more than 64 bits");
  });

  it("refuses an int beyond 32 bits, which no integer column takes", () => {
    const wide = tickSchema((s) => {
      s.fields.find((f) => f.name === "timestamp_ns")!.type = "long";
    });
    const value = written(wide, { ...TICK, timestamp_ns: 2 ** 40 });
    expect(refusal(OWN.read(value))).toBe("undecodable: an int beyond 32 bits");
  });

  it.each([
    ["a trillion items", [0x80, 0x80, 0x80, 0x80, 0x80, 0x40]],
    ["a block of negative size", [0x01, 0x03]],
  ])("refuses a list that claims %s, before it allocates or loops", (_, claim) => {
    const names = EVENT_SCHEMAS.tick.fields.map(({ name }) => name);
    const last = names.slice(names.indexOf("conditions"));
    const body = own({ ...TICK, ...Object.fromEntries(last.map((name) => [name, null])) });
    // A null is one byte, its union's index 0. `conditions` gets index 2 / 2 = 1, the list; the fields behind it stay null.
    const nulls = Buffer.alloc(last.length);
    const value = Buffer.concat([body.subarray(0, -last.length), Buffer.from([2, ...claim]), nulls]);
    expect(refusal(OWN.read(value))).toMatch(/^undecodable: (more items than bytes|a block of negative size)$/);
  });

  it.each([
    ["list", { type: "array", items: "null" }],
    ["map", { type: "map", values: "null" }],
  ])("refuses an endless %s in a field that it only skips", (_, type) => {
    const schema = tickSchema((s) => s.fields.push({ name: "extra", type }));
    const claim = Buffer.from([0x80, 0x80, 0x80, 0x80, 0x80, 0x40]);
    const value = Buffer.concat([own(), claim]);
    expect(refusal(readerOf(schema).read(value))).toBe("undecodable: more items than bytes");
  });
});

describe("reading other versions of the schema", () => {
  it("gives a field that the writer doesn't have its default", () => {
    const older = tickSchema((s) => {
      s.fields = s.fields.filter((f) => f.name !== "venue" && f.name !== "timestamp_ns");
    });
    expect({ ...(readerOf(older).read(written(older, TICK)) as object) }).toEqual({
      ...TICK,
      venue: null,
      timestamp_ns: 0,
    });
  });

  it("skips fields that only the writer has, wherever they stand", () => {
    const newer = tickSchema((s) => {
      s.fields.unshift({ name: "first", type: { type: "map", values: { type: "array", items: "string" } } });
      s.fields.push({ name: "last", type: ["null", "string"], default: null });
    });
    const event = { ...TICK, first: { a: ["b", "c"], d: [] }, last: "z" };
    expect({ ...(readerOf(newer).read(written(newer, event)) as object) }).toEqual(TICK);
  });

  it("reads a field that the writer no longer writes as its default, and one that moved at its new place", () => {
    const moved = tickSchema((s) => {
      s.fields = s.fields.filter((f) => f.name !== "conditions").reverse();
    });
    expect({ ...(readerOf(moved).read(written(moved, TICK)) as object) }).toEqual({ ...TICK, conditions: null });
  });

  it("promotes int to double, and a field to one that may be null", () => {
    const narrow = tickSchema((s) => {
      for (const f of s.fields) {
        if (f.name === "volume") f.type = "int";
        if (f.name === "venue") Object.assign(f, { type: "string", default: "" });
      }
    });
    const event = { ...TICK, volume: 3 };
    expect({ ...(readerOf(narrow).read(written(narrow, event)) as object) }).toEqual(event);
  });

  it("refuses every event of a writer whose schema can't be read as ours, and names the field", () => {
    const incompatible = tickSchema((s) => {
      s.fields.find((f) => f.name === "close")!.type = "string";
    });
    const value = written(incompatible, { ...TICK, close: "184.25" });
    expect(refusal(readerOf(incompatible).read(value))).toBe(
      "undecodable: its schema can't be read as ours: close is string; write double",
    );
  });

  it("refuses, of a writer whose enum has grown, only the events that hold a new symbol", () => {
    const schema = JSON.parse(EVENT_SCHEMAS.decision.json) as RawSchema;
    const action = schema.fields.find((f) => f.name === "action")!.type as { symbols: string[] };
    action.symbols.unshift("SHORT");
    const event = Object.fromEntries(
      schema.fields.map((f) => [f.name, f.default ?? (f.type === "boolean" ? false : null)]),
    );
    const complete = {
      ...event,
      decision_id: TICK.market_data_id,
      symbol_id: TICK.symbol_id,
      timestamp: 1,
      action: "SELL",
      size: 1,
      predicted_roi: 0,
    };
    const reader = new EventReader("decisions", registryOf({ 7: { type: parse(schema) } }));
    expect(refusal(reader.read(written(schema, complete)))).toBe("an event");
    expect(reader.read(written(schema, complete))).toMatchObject({ action: "SELL" });
    const grown = reader.read(written(schema, { ...complete, action: "SHORT" }));
    expect(refusal(grown)).toMatch(/^undecodable: .*no symbol SHORT/);
  });

  it("knows a record and its enums by the last part of their names, as Avro's rules say", () => {
    const schema = {
      ...(JSON.parse(EVENT_SCHEMAS.session.json) as RawSchema & { name: string }),
      namespace: "com.acme.md",
    };
    const kind = schema.fields.find((f) => f.name === "kind")!.type as { symbols: string[] };
    kind.symbols.unshift("rehearsal");
    const session = { backtest_session_id: TICK.symbol_id, kind: "paper", status: "running" };
    const complete = { ...Object.fromEntries(schema.fields.map((f) => [f.name, f.default ?? null])), ...session };
    const read = (writer: unknown, event: object) =>
      new EventReader("sessions", registryOf({ 7: { type: parse(writer) } })).read(written(writer, event));
    expect(read(schema, complete)).toMatchObject(session);
    expect(refusal(read(schema, { ...complete, kind: "rehearsal" }))).toMatch(/no symbol rehearsal/);
    const renamed = { ...schema, name: "trial" };
    expect(refusal(read(renamed, complete))).toBe(
      "undecodable: its schema can't be read as ours: no alias found for com.acme.md.trial",
    );
  });

  it("keeps two writers apart that come in turn", () => {
    const older = tickSchema((s) => {
      s.fields = s.fields.filter((f) => f.name !== "venue");
    });
    const writers = { 7: { type: parse(older) }, 8: { type: parse(JSON.parse(EVENT_SCHEMAS.tick.json)) } };
    const reader = new EventReader("ticks", registryOf(writers));
    const old = written(older, TICK);
    const current = encodeEvent("ticks", 8, TICK);
    for (const [value, venue] of [
      [old, null],
      [current, "P"],
      [old, null],
      [current, "P"],
    ] as const) {
      expect(reader.read(value)).toMatchObject({ venue });
    }
  });
});
