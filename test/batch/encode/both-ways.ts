import avsc from "avsc";
import { expect } from "vitest";
import type { Consumer } from "../../../src/batch/consumer.ts";
import { encodeBatch } from "../../../src/batch/encode/encode.ts";
import type { EncodedBatch } from "../../../src/batch/encode/encoded-batch.ts";
import type { Encoder } from "../../../src/batch/encode/encoder.ts";
import { EventFilter } from "../../../src/batch/encode/event-filter.ts";
import { judgeOf } from "../../../src/batch/encode/judge.ts";
import { KnownDays } from "../../../src/batch/encode/known-days.ts";
import { readEvent } from "../../../src/batch/encode/read-event.ts";
import { Transcoders, transcoderPlan } from "../../../src/batch/encode/transcoders.ts";
import { strictType } from "../../../src/event/avro/strict-types.ts";
import { EventReader } from "../../../src/event/codec.ts";
import { Refusal } from "../../../src/event/letter.ts";
import { NO_RULES_OFF } from "../../../src/event/rules.ts";
import { EVENT_SCHEMAS, type EventField } from "../../../src/event/schemas.ts";
import { landingColumns } from "../../../src/table/rows/landing-table.ts";
import { RowEncoder } from "../../../src/table/rows/row-encoder.ts";
import { type AvroSchema, avroBytes } from "../../event/avro-writer.ts";
import { NOON } from "../../support/samples.ts";

export type RawField = { name: string; type: unknown; default?: unknown };
export type RawSchema = { fields: RawField[] };
export type Fields = Record<string, unknown>;

/** Sessions of which `encode` leaves the first one's events out, and makes letters of the second one's. */
export const SESSIONS = ["0198c5a4-8f6e-5c3a-9d2b-5e4f3a2b1c01", "0198C5A4-8f6e-5c3a-9d2b-5e4f3a2b1c02"];

/** The two ways in which a topic's events are read. */
export interface BothWays {
  /** By transcoders, and as objects where they decline. */
  readonly fast: Encoder;
  readonly slow: Encoder;
}

/** @param schema the writer's, of every value whatever its id */
export function bothWays(consumer: Consumer, schema: RawSchema): BothWays {
  const type = avsc.Type.forSchema(structuredClone(schema) as unknown as avsc.Schema, { typeHook: strictType });
  const registry = { writer: () => ({ type }), isStale: () => false } as never;
  const reader = new EventReader(consumer.topic, registry);
  const columns = landingColumns(consumer.landing).map(({ name, from, fits }) => {
    const writers = Object.values(fits);
    return { name, from, write: writers.at(-1)! };
  });
  const revised = consumer.landing.repeats === "revised";
  const slow: Encoder = {
    consumer,
    reader,
    rowEncoder: new RowEncoder(columns, revised),
    transcoders: { of: () => undefined },
    eventBytesMax: 6000,
    early1970: "refuse",
    judge: judgeOf(consumer.topic, NO_RULES_OFF),
    signerOf: undefined,
    newDaysPerBatchMax: 1,
    filter: new EventFilter(["paper", "backtest", "replay", "live"], "all"),
    days: new KnownDays("market_data_tick"),
  };
  const plan = transcoderPlan(consumer, columns, "refuse", NO_RULES_OFF);
  return { fast: { ...slow, transcoders: new Transcoders(reader, plan) }, slow };
}

/** All values lie in one buffer, as those of a fetch do: what a value claims beyond its end is another's bytes. */
export function encode(encoder: Encoder, values: readonly Buffer[]): EncodedBatch {
  const bytes = Buffer.concat(values);
  const ends: number[] = [];
  for (const value of values) ends.push((ends.at(-1) ?? 0) + value.length);
  const start = (index: number) => ends[index]! - values[index]!.length;
  const headers = (index: number) =>
    index % 3 === 0 ? { "tradetape-revised-at": Buffer.from("1700000000000000") } : {};
  const records = {
    count: values.length,
    offsetOf: (index: number) => 100 + index,
    publishedAtMs: () => NOON / 1000,
    locate: (index: number, place: { bytes: Uint8Array; start: number; end: number }) =>
      Object.assign(place, { bytes, start: start(index), end: ends[index]! }),
    headersOf: headers,
    faultAt: () => undefined,
    record: (index: number) => ({ key: null, value: values[index]!, headers: headers(index) }),
  };
  const fates = new Map([
    [SESSIONS[0]!, "filtered" as const],
    [SESSIONS[1]!, "unknown" as const],
  ]);
  const range = { firstOffset: 100, nextOffset: 100 + values.length, from: 0, fates };
  return { ...encodeBatch(encoder, 3, records, range), records: records as never };
}

/** A batch to be compared with another. */
export const said = (batch: EncodedBatch) => ({
  ...batch,
  records: undefined,
  rows: { ...batch.rows, bytes: batch.rows.bytes.toString("hex") },
});

export const UUID = "0198c5a4-8f6e-5c3a-9d2b-5e4f3a2b1c03";
const GOOD: Readonly<Record<EventField["type"], unknown>> = {
  uuid: UUID,
  text: "1min",
  json: "{}",
  texts: ["a"],
  timestamp: NOON,
  long: 3,
  int: 3,
  double: 0.1,
  boolean: true,
};
/** An event of these fields with nothing wrong. */
export const goodEvent = (fields: readonly EventField[]): Fields =>
  Object.fromEntries(fields.map(({ name, type, symbols }) => [name, symbols?.[0] ?? GOOD[type]]));

/** Our own schema of the topic, to be changed. */
export const schemaOf = ({ landing }: Consumer) => JSON.parse(EVENT_SCHEMAS[landing.event].json) as RawSchema;
/** A message value of a writer with this schema. */
export const messageOf = (schema: RawSchema, event: Fields): Buffer =>
  Buffer.concat([Buffer.from([0, 0, 0, 0, 7]), avroBytes({ type: "record", ...schema } as AvroSchema, event)]);

/** What becomes of a value both ways, which must be the same row or letter; the fields, or the letter's text. */
export function outcome({ fast, slow }: BothWays, bytes: Buffer): Fields | string {
  const batch = encode(slow, [bytes]);
  expect(said(encode(fast, [bytes]))).toEqual(said(batch));
  const event = readEvent(slow, bytes, NOON);
  const letter = batch.letters[0];
  expect(batch.rows.ends).toHaveLength(letter ? 0 : 1);
  if (letter) return `${letter.reason}: ${letter.detail}`;
  if (event instanceof Refusal) throw new Error("a row of what can't be read");
  return event;
}
