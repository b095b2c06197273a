import { afterAll, beforeAll, expect, test } from "vitest";
import { EVENT_BY_TOPIC, EVENT_SCHEMAS } from "../../../src/event/schemas.ts";
import { type AvroSchema, avroBytes } from "../../event/avro-writer.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import { bar, idOf, NOON, tick } from "../../support/samples.ts";
import { micros, openTapeWithSymbol, type TestTape } from "../../support/tape.ts";

type Kind = "ticks" | "bars";
interface Schema {
  readonly fields: readonly { readonly name: string; readonly type: AvroSchema }[];
}

let tape: TestTape;
let subjects = 0;

beforeAll(async () => {
  tape = await openTapeWithSymbol();
});
afterAll(() => tape.stop());

const long = (logicalType: string): AvroSchema => ({ type: "long", logicalType });

/**
 * A program's message, written by our schema with other types for some fields, which is what the registry has of it;
 * fields of no type are left out.
 */
async function written(
  topic: Kind,
  types: Readonly<Record<string, AvroSchema | null>>,
  event: object,
): Promise<Buffer> {
  const own = JSON.parse(EVENT_SCHEMAS[EVENT_BY_TOPIC[topic]].json) as Schema;
  const fields = own.fields.flatMap(({ name, ...field }) => {
    const type = name in types ? types[name] : field.type;
    return type === null || type === undefined ? [] : [{ ...field, name, type }];
  });
  const schema = { ...own, type: "record", fields };
  const subject = `program-${++subjects}.${tape.name(topic)}-value`;
  const response = await fetch(`${tape.config.schemaRegistryUrl}/subjects/${subject}/versions`, {
    method: "POST",
    headers: { "content-type": "application/vnd.schemaregistry.v1+json" },
    body: JSON.stringify({ schemaType: "AVRO", schema: JSON.stringify(schema) }),
  });
  const { id } = (await response.json()) as { readonly id: number };
  const header = Buffer.alloc(5);
  header.writeInt32BE(id, 1);
  return Buffer.concat([header, avroBytes(schema as AvroSchema, event)]);
}

const NOON_NS = BigInt(NOON) * 1000n;
const rowsOf = (table: string, columns: string, ids: readonly string[]) =>
  tape.query(
    `SELECT market_data_id AS id, ${columns} FROM public.${table} WHERE market_data_id = ANY($1::uuid[]) ORDER BY 1`,
    [ids],
  );

test("times of other programs land in the unit that their schema says, and never in January 1970", async () => {
  const nanos = long("timestamp-nanos");
  const [byMillis, byNanos, byBoth, received] = [1, 2, 3, 4].map((n) => tick(n)) as [object, object, object, object];
  await tape.raw("ticks", [
    { value: await written("ticks", { timestamp: long("timestamp-millis") }, { ...byMillis, timestamp: NOON / 1000 }) },
    {
      value: await written(
        "ticks",
        { timestamp: nanos, timestamp_ns: null },
        { ...byNanos, timestamp: NOON_NS + 456n },
      ),
    },
    { value: await written("ticks", { timestamp: nanos }, { ...byBoth, timestamp: NOON_NS + 3n }) },
    {
      value: await written("ticks", { received_at: ["null", nanos] }, { ...received, received_at: NOON_NS + 1999n }),
    },
  ]);
  await tape.raw("bars", [
    { value: await written("bars", { timestamp: nanos }, { ...bar(9), timestamp: NOON_NS + 999n }) },
  ]);
  expect(await tape.land("ticks", "bars")).toMatchObject({
    ticks: { written: 4, dead: 0 },
    bars: { written: 1, dead: 0 },
  });
  const ids = [1, 2, 3, 4].map((n) => tick(n).market_data_id);
  const rows = await rowsOf("market_data_tick", `${micros("timestamp")}, timestamp_ns, ${micros("received_at")}`, ids);
  const expected = [
    { id: ids[0], timestamp: NOON, timestamp_ns: 1, received_at: NOON + 6 },
    { id: ids[1], timestamp: NOON, timestamp_ns: 456, received_at: NOON + 7 },
    { id: ids[2], timestamp: NOON, timestamp_ns: 3, received_at: NOON + 8 },
    { id: ids[3], timestamp: NOON + 4, timestamp_ns: 4, received_at: NOON + 1 },
  ];
  expect(rows).toEqual(expected.toSorted((a, b) => (a.id! < b.id! ? -1 : 1)));
  const { market_data_id } = bar(9);
  expect(await rowsOf("market_data_bar", micros("timestamp"), [market_data_id])).toEqual([
    { id: market_data_id, timestamp: NOON },
  ]);
});

test("events of a schema that doesn't say what a time counts are letters, which say what to write", async () => {
  const types: readonly (readonly [string, AvroSchema, string])[] = [
    ["timestamp", long("local-timestamp-micros"), "long (local-timestamp-micros)"],
    ["timestamp", "long", "long"],
    ["timestamp", long("epoch-seconds"), "long (epoch-seconds)"],
    ["timestamp", { type: "int", logicalType: "date" }, "int (date)"],
    ["received_at", ["null", long("local-timestamp-millis")], "null or long (local-timestamp-millis)"],
  ];
  const events = types.map(([name, type], n) =>
    written(
      "ticks",
      { [name]: type },
      { ...tick(100 + n, { market_data_id: idOf(`undecided ${n}`) }), [name]: 19_787 },
    ),
  );
  const both = { timestamp: NOON_NS + 456n, timestamp_ns: 7 };
  const contradiction = written("ticks", { timestamp: long("timestamp-nanos") }, { ...tick(200), ...both });
  const values = await Promise.all([...events, contradiction]);
  await tape.raw(
    "ticks",
    values.map((value) => ({ value })),
  );
  expect((await tape.land("ticks")).ticks).toMatchObject({ written: 0, dead: types.length + 1 });
  const wanted = "write long with the logicalType timestamp-micros, timestamp-millis or timestamp-nanos";
  const letters = await tape.query('SELECT reason, column_name, detail FROM tradetape.dead_letter ORDER BY "offset"');
  expect(letters).toEqual([
    ...types.map(([column_name, , form]) => ({
      reason: "time_unit",
      column_name,
      detail: `its schema doesn't say what the time counts: ${column_name} is ${form}; ${wanted}`,
    })),
    {
      reason: "invalid",
      column_name: "timestamp_ns",
      detail: "timestamp_ns is 7, but timestamp ends with 456 nanoseconds; leave timestamp_ns out",
    },
  ]);
  expect(await tape.query("SELECT 1 FROM public.market_data_tick WHERE timestamp < '1970-05-01'")).toEqual([]);
  await tape.land("audit");
  expect(await ledgerFaults(tape)).toEqual([]);
});
