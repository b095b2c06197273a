import { randomUUID } from "node:crypto";
import avsc from "avsc";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EventReader } from "../../../src/event/codec.ts";
import { type LetterReason, Refusal } from "../../../src/event/letter.ts";
import { openRegistry } from "../../../src/event/registry.ts";
import { EVENT_BY_TOPIC, EVENT_SCHEMAS } from "../../../src/event/schemas.ts";
import { environmentOf } from "../../support/landing.ts";
import { decision, tick } from "../../support/samples.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";

let tape: TestTape;
let url: string;
beforeAll(async () => {
  tape = await openTestTape();
  url = tape.config.schemaRegistryUrl!;
});
afterAll(() => tape.stop());

interface Field {
  name: string;
  type: unknown;
  default?: unknown;
  aliases?: string[];
  doc?: string;
}
interface Schema {
  name: string;
  namespace: string;
  aliases?: string[];
  fields: Field[];
}
type Topic = "ticks" | "decisions";
/** What a registry says of it on a subject with FULL_TRANSITIVE, and what landing makes of its events. */
type Kind = readonly [string, "taken" | "refused", "a row" | LetterReason, (schema: Schema) => void, object?];

const at = ({ fields }: Schema, name: string) => fields.findIndex((field) => field.name === name);
const change = (name: string, by: Partial<Field>) => (schema: Schema) => {
  schema.fields[at(schema, name)] = { ...schema.fields[at(schema, name)]!, ...by };
};
const drop = (name: string) => (schema: Schema) => void schema.fields.splice(at(schema, name), 1);
const add = (field: Field) => (schema: Schema) => void schema.fields.push(field);
const time = (logicalType?: string) => ({ type: "long", ...(logicalType && { logicalType }) });

const MILLIS = { timestamp: 1_709_649_000_000 };

const TICKS: readonly Kind[] = [
  ["a field with a default dropped", "taken", "a row", drop("venue")],
  ["a field without a default dropped", "refused", "undecodable", drop("close")],
  ["a field under another name", "refused", "undecodable", change("close", { name: "price" }), { price: 1 }],
  [
    "a field under another name, with the old one as alias",
    "refused",
    "undecodable",
    change("close", { name: "price", aliases: ["close"] }),
    { price: 1 },
  ],
  ["a field that may be null", "refused", "undecodable", change("close", { type: ["null", "double"], default: null })],
  ["a field that may be null no longer", "refused", "a row", change("venue", { type: "string", default: "" })],
  ["a union the other way round", "taken", "a row", change("venue", { type: ["string", "null"], default: "" })],
  [
    "a third type in a union",
    "refused",
    "undecodable",
    change("venue", { type: ["null", "string", "double"], default: null }),
  ],
  ["a field of another type", "refused", "undecodable", change("close", { type: "string" }), { close: "1" }],
  ["a field of a narrower type", "refused", "a row", change("close", { type: "float" })],
  ["a whole number for a number", "refused", "a row", change("close", { type: "long" }), { close: 184 }],
  ["a field of a wider type", "refused", "undecodable", change("timestamp_ns", { type: "long" })],
  ["bytes for a text", "taken", "a row", change("source", { type: "bytes" }), { source: Buffer.from("sample") }],
  [
    "a text that may be null in a list",
    "refused",
    "undecodable",
    change("conditions", { type: ["null", { type: "array", items: ["null", "string"] }], default: null }),
  ],
  ["a new field with a default", "taken", "a row", add({ name: "lot", type: "int", default: 0 }), { lot: 5 }],
  ["a new field without a default", "refused", "a row", add({ name: "lot", type: "int" }), { lot: 5 }],
  ["fields in another order", "taken", "a row", ({ fields }) => void fields.reverse()],
  [
    "another default, another text beside a field",
    "taken",
    "a row",
    change("venue", { default: null, doc: "the venue" }),
  ],
  ["a record in another namespace", "taken", "a row", (schema) => Object.assign(schema, { namespace: "com.acme.md" })],
  ["a record of another name", "refused", "undecodable", (schema) => Object.assign(schema, { name: "trade" })],
  [
    "a record of another name, with ours as alias",
    "refused",
    "undecodable",
    (schema) => Object.assign(schema, { name: "trade", aliases: ["tick"] }),
  ],
  ["a time in milliseconds", "taken", "a row", change("timestamp", { type: time("timestamp-millis") }), MILLIS],
  ["a time in nanoseconds", "taken", "a row", change("timestamp", { type: time("timestamp-nanos") })],
  ["a time that doesn't say what it counts", "taken", "time_unit", change("timestamp", { type: time() })],
  ["a time of no zone", "taken", "time_unit", change("timestamp", { type: time("local-timestamp-micros") })],
  ["a text that is no longer called an id", "taken", "a row", change("symbol_id", { type: "string" })],
];

const DECISIONS: readonly Kind[] = [
  [
    "a symbol more",
    "refused",
    "a row",
    change("action", { type: { type: "enum", name: "trade_action", symbols: ["BUY", "SELL", "HOLD", "SHORT"] } }),
  ],
  [
    "a symbol less",
    "refused",
    "a row",
    change("action", { type: { type: "enum", name: "trade_action", symbols: ["BUY", "SELL"] } }),
  ],
  [
    "an enum of another name",
    "refused",
    "undecodable",
    change("action", { type: { type: "enum", name: "side", symbols: ["BUY", "SELL", "HOLD"] } }),
  ],
  ["a text for an enum", "refused", "undecodable", change("action", { type: "string" })],
  ["a time for a number", "refused", "undecodable", change("size", { type: time("timestamp-micros") }), { size: 10 }],
  ["a yes for a number", "refused", "undecodable", change("approved", { type: "int" }), { approved: 1 }],
];

const changed = (topic: Topic, by: Kind[3]): Schema => {
  const schema = JSON.parse(EVENT_SCHEMAS[EVENT_BY_TOPIC[topic]].json) as Schema;
  by(schema);
  return schema;
};

async function post(subject: string, schema: Schema): Promise<{ readonly status: number; readonly id: number }> {
  const response = await fetch(`${url}/subjects/${subject}/versions`, {
    method: "POST",
    headers: { "content-type": "application/vnd.schemaregistry.v1+json" },
    body: JSON.stringify({ schema: JSON.stringify(schema) }),
  });
  const { id } = (await response.json()) as { id: number };
  return { status: response.status, id };
}

/** What landing makes of an event that was written with a schema. */
async function readOf(topic: Topic, id: number, schema: Schema, event: object): Promise<string> {
  const registry = openRegistry({ schemaRegistryUrl: url });
  await registry.fetch(id);
  const header = Buffer.alloc(5);
  header.writeInt32BE(id, 1);
  const type = avsc.Type.forSchema(schema as unknown as avsc.Schema);
  const read = new EventReader(topic, registry).read(Buffer.concat([header, type.toBuffer(event)]));
  return read instanceof Refusal ? read.reason : "a row";
}

describe.each([
  ["ticks", TICKS, tick(1)],
  ["decisions", DECISIONS, decision(1)],
] as const)("of %s", (topic, kinds, sample) => {
  const named = kinds.map(([what, said, landed, by, given = {}]) => ({ what, said, landed, by, given }));
  test.each(named)("$what is $said by the registry, and landing makes of it $landed", async (kind) => {
    const { said, landed, by, given } = kind;
    const name = `${tape.config.namespace}.fresh-${randomUUID()}`;
    await openRegistry({ schemaRegistryUrl: url }).register(name, topic);
    const schema = changed(topic, by);
    const { status } = await post(`${name}-value`, schema);
    // A subject of its own, that takes everything: what would come of it if somebody published it all the same.
    const { id } = await post(`${name}-free-value`, schema);
    const read = await readOf(topic, id, schema, { ...sample, ...given });
    expect([status === 200 ? "taken" : "refused", read]).toEqual([said, landed]);
  });
});

test("what the registry takes and landing can't read is named by `topics`, with its version and why", async () => {
  const subject = `${tape.name("ticks")}-value`;
  await openRegistry({ schemaRegistryUrl: url }).register(tape.name("ticks"), "ticks");
  const env = environmentOf(tape.config);
  expect((await tradetape(["topics"], env)).stdout).not.toContain("becomes a letter");
  const unreadable = TICKS.filter(([, said, landed]) => said === "taken" && landed !== "a row");
  const ids: number[] = [];
  for (const [, , , by] of [...unreadable, TICKS[0]!]) ids.push((await post(subject, changed("ticks", by))).id);
  const { stdout, code } = await tradetape(["topics"], env);
  const told = stdout.split("\n").filter((line) => line.includes("becomes a letter"));
  expect([code, told]).toEqual([
    0,
    ids.slice(0, -1).map((id) => expect.stringContaining(`(schema ${id}) of ${subject}`)),
  ]);
  expect(told[0]).toContain("its schema doesn't say what the time counts");
});
