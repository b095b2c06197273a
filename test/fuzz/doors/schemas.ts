import avsc from "avsc";
import { CONSUMERS } from "../../../consumers/all.ts";
import { HostileSchema, requireBoundedText, requireBoundedTypes } from "../../../src/event/avro/schema-bounds.ts";
import { strictType } from "../../../src/event/avro/strict-types.ts";
import { EVENT_SCHEMAS } from "../../../src/event/schemas.ts";
import { bothWays, messageOf, type RawSchema, schemaOf } from "../../batch/encode/both-ways.ts";
import type { Dice } from "../../chaos/dice.ts";
import { recordsWithin } from "../../event/records-within.ts";
import { type Door, kindOf, must } from "./door.ts";
import { landBoth, randomEvent } from "./values.ts";

/** What writers may have in the place of a part of a schema. */
const PARTS: readonly unknown[] = [
  ...["null", "boolean", "int", "long", "float", "double", "bytes", "string", "record", "error", "request", "level_1"],
  ...["__proto__", "constructor", "hasOwnProperty", "", "a.b", ".a", null, 0, -1, 2 ** 31, 1e300, true, [], {}],
  ["null", "string"],
  ["string", "null"],
  ["null", "long", "string"],
  ["null"],
  { type: "array", items: "string" },
  { type: "array", items: "null" },
  { type: "array", items: ["null", "string"] },
  { type: "map", values: "null" },
  { type: "map", values: "long" },
  { type: "fixed", name: "f", size: 0 },
  { type: "fixed", name: "g", size: 16 },
  { type: "fixed", name: "h", size: 2 ** 31 },
  { type: "enum", name: "e", symbols: ["A", "B"] },
  { type: "enum", name: "e2", symbols: [] },
  { type: "long", logicalType: "timestamp-micros" },
  { type: "long", logicalType: "timestamp-millis" },
  { type: "long", logicalType: "timestamp-nanos" },
  { type: "long", logicalType: "__proto__" },
  { type: "bytes", logicalType: "decimal", precision: 9, scale: 2 },
  { type: "string", logicalType: "uuid" },
  { type: { type: { type: "string" } } },
  { type: "record", name: "r", fields: [] },
  { type: "record", name: "r", fields: [{ name: "a", type: ["null", "r"] }] },
  { type: "record", name: "r", fields: [{ name: "a", type: "r" }] },
  { type: "array", items: recordsWithin(6, 3) },
  recordsWithin(9),
  recordsWithin(5, 4, "null"),
];
const WORDS = [
  "type",
  "name",
  "fields",
  "items",
  "values",
  "symbols",
  "size",
  "default",
  "aliases",
  "logicalType",
  "order",
  "namespace",
];
/** How many odd values are read by each. */
const ODD = 4;

/** Writers' schemas, by whoever may register one; of each, some values are read. */
export function schemasDoor(dice: Dice): Door {
  const consumers = CONSUMERS.filter(({ topic }) => ["ticks", "fills", "symbols"].includes(topic));
  const values = consumers.map((consumer) => {
    const good = messageOf(schemaOf(consumer), randomEvent(EVENT_SCHEMAS[consumer.landing.event].fields, dice));
    return [good, ...Array.from({ length: ODD }, (_, n) => odd(good, n))];
  });
  return {
    name: "schemas",
    seeds: CONSUMERS.map((consumer) => Buffer.from(JSON.stringify(schemaOf(consumer)))),
    open: (input) => {
      const text = input.toString();
      const schema = parsed(text);
      if (typeof schema === "string") return schema;
      const kinds = consumers.map((consumer, n) => {
        const ways = bothWays(consumer as never, schema);
        return values[n]!.map((value) => landBoth(ways, value));
      });
      return [...new Set(kinds.flat())].sort().join(" / ").slice(0, 200);
    },
    reshape: (input, random) => {
      try {
        return Buffer.from(JSON.stringify(exchanged(JSON.parse(input.toString()), random)));
      } catch (error) {
        if (error instanceof SyntaxError) return input;
        throw error;
      }
    },
    agree: (random) => {
      // A writer with one field more, which avsc skips by its own rules.
      const consumer = random.pick(consumers);
      const schema = schemaOf(consumer);
      const extra = random.pick(["string", "double", ["null", "long"], { type: "array", items: "string" }]);
      const fields = [...schema.fields, { name: "theirs", type: extra }];
      const event = { ...randomEvent(EVENT_SCHEMAS[consumer.landing.event].fields, random), theirs: extraValue(extra) };
      const wider = { ...schema, fields };
      const kind = (of: RawSchema) => landBoth(bothWays(consumer as never, of), messageOf(of, event));
      must(kind(wider) === kind(schema), "a field that only the writer has changes the event");
    },
  };
}

const extraValue = (type: unknown): unknown =>
  type === "string" ? "é" : type === "double" ? 1.5 : Array.isArray(type) ? null : ["a"];

/** The value with a writer's bytes that aren't as its schema says. */
function odd(good: Buffer, n: number): Buffer {
  const head = good.subarray(0, 5);
  if (n === 0) return Buffer.concat([head, Buffer.alloc(64)]);
  if (n === 1) return Buffer.concat([head, Buffer.alloc(40, 0xff)]);
  return n === 2 ? good.subarray(0, good.length >> 1) : Buffer.concat([head, Buffer.alloc(400, 2)]);
}

/** Takes a schema as the registry's client does. @returns why nothing is made of it */
function parsed(text: string): RawSchema | string {
  try {
    requireBoundedText(text);
    const schema = JSON.parse(text) as RawSchema;
    const type = avsc.Type.forSchema(structuredClone(schema) as unknown as avsc.Schema, { typeHook: strictType });
    requireBoundedTypes(type);
    return type.typeName === "record" ? schema : `no record: ${type.typeName}`;
  } catch (error) {
    if (error instanceof HostileSchema) return `hostile: ${kindOf(error.message)}`;
    return `no schema: ${kindOf((error as Error).message)}`;
  }
}

type Tree = Record<string, unknown> | unknown[];
const isTree = (value: unknown): value is Tree => typeof value === "object" && value !== null;

/** A tree with some of its parts exchanged for others, dropped, or repeated. */
function exchanged(root: unknown, dice: Dice): unknown {
  const holder = { root };
  for (let left = dice.pick([1, 1, 2, 3]); left > 0; left--) {
    const places: (readonly [Tree, string])[] = [];
    const walk = (tree: Tree) => {
      for (const [key, value] of Object.entries(tree)) {
        places.push([tree, key]);
        if (isTree(value)) walk(value);
      }
    };
    walk(holder);
    const [tree, key] = dice.pick(places);
    const part = dice.happens(0.8) ? dice.pick(PARTS) : valueAt(dice.pick(places));
    const deed = dice.between(0, 9);
    if (deed === 0 && Array.isArray(tree)) tree.splice(Number(key), 1);
    else if (deed === 1 && Array.isArray(tree)) tree.push(structuredClone(part));
    else if (deed === 2 && !Array.isArray(tree)) Object.assign(tree, { [dice.pick(WORDS)]: structuredClone(part) });
    else if (deed === 3 && !Array.isArray(tree) && tree !== holder) delete tree[key];
    else Object.assign(tree, { [key]: structuredClone(part) });
  }
  return holder.root;
}

const valueAt = ([tree, key]: readonly [Tree, string]): unknown => (tree as Record<string, unknown>)[key];
