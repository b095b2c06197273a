import { describe, expect, it } from "vitest";
import { CONSUMERS } from "../../../consumers/all.ts";
import type { Consumer } from "../../../src/batch/consumer.ts";
import type { LetterReason } from "../../../src/event/letter.ts";
import { EVENT_SCHEMAS } from "../../../src/event/schemas.ts";
import { wrongTime } from "../../../src/event/time/range.ts";
import type { AvroSchema } from "../../event/avro-writer.ts";
import fc from "../../support/random/fast-check.ts";
import { NOON } from "../../support/samples.ts";
import { bothWays, type Fields, goodEvent, messageOf, outcome, type RawField, schemaOf } from "./both-ways.ts";

/** How many nanoseconds a logical type counts in; that of a wall clock tells no instant. */
const NANOSECONDS = {
  "timestamp-millis": 1_000_000n,
  "timestamp-micros": 1000n,
  "timestamp-nanos": 1n,
  "local-timestamp-micros": undefined,
} as const;
type LogicalTime = keyof typeof NANOSECONDS;

/** A field as a writer has it, and for a time the number that it writes, null where it is null. */
interface Written {
  readonly name: string;
  readonly type: AvroSchema;
  readonly logical: LogicalTime | undefined;
  readonly count: bigint | null;
}

const LIMIT = 2n ** 63n;
const floorDiv = (a: bigint, b: bigint): bigint => (a - (((a % b) + b) % b)) / b;
const NOON_NS = BigInt(NOON) * 1000n;
const nanoseconds = fc.oneof(
  { weight: 12, arbitrary: fc.bigInt({ min: NOON_NS, max: NOON_NS + 100_000_000_000_000n }) },
  { weight: 1, arbitrary: fc.bigInt({ min: -LIMIT, max: LIMIT - 1n }) },
);
/** What 64 bits hold is more than a time in milliseconds or microseconds needs. */
const anyCount = fc.bigInt({ min: -LIMIT, max: LIMIT - 1n });
const logicalTime = fc.oneof(
  ...Object.keys(NANOSECONDS).map((name) => ({
    weight: name.startsWith("local") ? 1 : 30,
    arbitrary: fc.constant(name as LogicalTime),
  })),
);

/** Our fields as another program may have them: in any order or ours, some left out, unions either way round, any unit. */
function fieldsOf(consumer: Consumer): fc.Arbitrary<readonly Written[]> {
  const { fields } = EVENT_SCHEMAS[consumer.landing.event];
  const raw = new Map(schemaOf(consumer).fields.map(({ name, type }: RawField) => [name, type as AvroSchema]));
  const each = fields.map(({ name, type, nullable, hasDefault }) => {
    const chosen = { logical: logicalTime, ns: nanoseconds, any: anyCount, dice: fc.integer({ min: 0, max: 19 }) };
    return fc.record(chosen).map(({ logical, ns, any, dice }): Written | undefined => {
      if (hasDefault && dice > 16) return undefined;
      const own = raw.get(name)!;
      const isTime = type === "timestamp";
      const inner = isTime ? { type: "long", logicalType: logical } : nullable ? (own as AvroSchema[])[1]! : own;
      const union = dice % 2 === 0 ? ["null", inner] : [inner, "null"];
      const count = dice === 0 ? any : floorDiv(ns, NANOSECONDS[logical] ?? 1000n);
      const isNull = !isTime || (nullable && dice < 4 && dice > 0);
      const told = isTime ? logical : undefined;
      return { name, type: nullable ? union : inner, logical: told, count: isNull ? null : count };
    });
  });
  const written = fc.tuple(...each).map((all) => all.filter((field) => field !== undefined));
  const shuffled = written.chain((all) => fc.shuffledSubarray(all, { minLength: all.length }));
  return fc.oneof(written, shuffled);
}

/** What is to be read of an event, by bigints alone; and every reason for which it may be a letter instead. */
function expectedOf(consumer: Consumer, written: readonly Written[], sent: Fields) {
  const { fields } = EVENT_SCHEMAS[consumer.landing.event];
  const names = new Set(written.map(({ name }) => name));
  const read: Fields = Object.fromEntries(
    fields.map((field) => [field.name, names.has(field.name) ? sent[field.name] : field.default]),
  );
  const wrong = new Set<LetterReason>();
  for (const { name, logical, count } of written) {
    if (logical === undefined) continue;
    const unit = NANOSECONDS[logical];
    if (unit === undefined) wrong.add("time_unit");
    if (unit === undefined || count === null) continue;
    const us = floorDiv(count * unit, 1000n);
    read[name] = Number(us);
    if (!Number.isSafeInteger(Number(us))) {
      wrong.add("invalid").add("undecodable");
      continue;
    }
    const reason = wrongTime([name], { [name]: Number(us) }, "refuse", NOON)?.reason;
    if (reason !== undefined) wrong.add(reason);
    if (unit !== 1n || name !== "timestamp" || !("timestamp_ns" in read)) continue;
    const rest = Number(count - us * 1000n);
    if (names.has("timestamp_ns") && rest !== sent.timestamp_ns) wrong.add("invalid");
    read.timestamp_ns = rest;
  }
  return { read, wrong };
}

const IS_WRONG_TIME = / since 1970, more than 2\^53 microseconds$|; leave timestamp_ns out$/;

describe.each(CONSUMERS.map((consumer) => [consumer.topic, consumer] as const))("times of %s", (_, consumer) => {
  const { fields } = EVENT_SCHEMAS[consumer.landing.event];

  it("are, to the nanosecond, what was written in any unit, or the event is a letter", () => {
    const isAsWritten = (written: readonly Written[], belowMicro: number) => {
      const sent: Fields = { ...goodEvent(fields), timestamp_ns: belowMicro };
      for (const { name, logical, count } of written) if (logical !== undefined) sent[name] = count;
      const time = written.find(({ name }) => name === "timestamp");
      // A writer that has both says the same twice, but for some.
      if (time?.logical === "timestamp-nanos" && belowMicro > 0) sent.timestamp_ns = Number(time.count! % 1000n);
      const schema = { ...schemaOf(consumer), fields: written.map(({ name, type }) => ({ name, type })) };
      const found = outcome(bothWays(consumer, schema), messageOf(schema, sent));
      const { read, wrong } = expectedOf(consumer, written, sent);
      if (typeof found === "string") expect([...wrong]).toContain(found.split(":")[0]);
      if (typeof found === "string" && found.startsWith("invalid")) expect(found).toMatch(IS_WRONG_TIME);
      if (typeof found !== "string") expect([{ ...found }, [...wrong]]).toEqual([read, []]);
    };
    fc.assert(fc.property(fieldsOf(consumer), fc.integer({ min: 0, max: 9 }), isAsWritten), { numRuns: 100 });
  });
});
