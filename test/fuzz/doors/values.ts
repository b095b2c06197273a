import { isDeepStrictEqual } from "node:util";
import avsc from "avsc";
import { CONSUMERS } from "../../../consumers/all.ts";
import { readEvent } from "../../../src/batch/encode/read-event.ts";
import { Refusal } from "../../../src/event/letter.ts";
import { EVENT_SCHEMAS, type EventField } from "../../../src/event/schemas.ts";
import {
  type BothWays,
  bothWays,
  encode,
  messageOf,
  type RawSchema,
  SESSIONS,
  said,
  schemaOf,
} from "../../batch/encode/both-ways.ts";
import type { Dice } from "../../chaos/dice.ts";
import { NOON } from "../../support/samples.ts";
import { type Door, kindOf, must } from "./door.ts";

interface Kind {
  readonly fields: readonly EventField[];
  readonly schema: RawSchema;
  readonly ways: BothWays;
  /** avsc as it comes, which owes our types nothing. */
  readonly plain: avsc.Type;
}

const HEADER_BYTES = 5;

/** Message values of every topic, by our own schemas: the first byte of an input says which topic. */
export function valuesDoor(dice: Dice): Door {
  const kinds = CONSUMERS.map((consumer): Kind => {
    const schema = schemaOf(consumer);
    const ways = bothWays(consumer as never, schema);
    const plain = avsc.Type.forSchema(structuredClone(schema) as unknown as avsc.Schema);
    return { fields: EVENT_SCHEMAS[consumer.landing.event].fields, schema, ways, plain };
  });
  const value = (kind: number, random: Dice) =>
    Buffer.concat([Buffer.of(kind), messageOf(kinds[kind]!.schema, randomEvent(kinds[kind]!.fields, random))]);
  return {
    name: "values",
    seeds: kinds.flatMap((_, kind) => [value(kind, dice), value(kind, dice), value(kind, dice)]),
    open: (input) => landBoth(kinds[(input[0] ?? 0) % kinds.length]!.ways, input.subarray(1)),
    agree: (random) => {
      const kind = random.between(0, kinds.length - 1);
      const { ways, plain } = kinds[kind]!;
      const bytes = value(kind, random).subarray(1);
      const event = ways.slow.reader.read(bytes);
      must(!(event instanceof Refusal), `a good value is refused: ${(event as Refusal).detail}`);
      const theirs = plain.fromBuffer(bytes.subarray(HEADER_BYTES));
      must(isDeepStrictEqual({ ...event }, { ...theirs }), "it reads another event than avsc does");
    },
  };
}

/** Encodes a value both ways, which have to come to the same row or letter. @returns its kind */
export function landBoth({ fast, slow }: BothWays, bytes: Buffer): string {
  const batch = encode(slow, [bytes]);
  must(isDeepStrictEqual(said(encode(fast, [bytes])), said(batch)), "two rows of one value");
  const { rows, letters, filtered } = batch;
  must(rows.ends.length + letters.length + filtered <= 1, "one value, and more than one row or letter");
  const [letter] = letters;
  if (letter) return `${letter.reason}: ${kindOf(letter.detail)}`;
  if (rows.ends.length === 1) must(!(readEvent(slow, bytes, NOON) instanceof Refusal), "a row of what can't be read");
  return rows.ends.length === 1 ? "a row" : filtered === 1 ? "filtered" : "left to the next batch";
}

/** An event that Avro can write, good or odd. */
export const randomEvent = (fields: readonly EventField[], dice: Dice): Record<string, unknown> =>
  Object.fromEntries(
    fields.map((field) => [field.name, field.nullable && dice.happens(0.3) ? null : randomValue(field, dice)]),
  );

function randomValue({ type, symbols }: EventField, dice: Dice): unknown {
  if (symbols !== undefined) return dice.pick(symbols);
  const whole = () => dice.pick([0, 1, -1, 100, 70_000, 2 ** 31, -(2 ** 40)]);
  const uuid = () =>
    dice.pick(["0198c5a4-8f6e-5c3a-9d2b-5e4f3a2b1c03", "0198c5a4-8f6e-5c3a-9d2b-5e4f3a2b1c04", ...SESSIONS]);
  const text = () => dice.pick(["AAPL", "", "1min", "a", "é😀", "x".repeat(dice.between(0, 300))]);
  switch (type) {
    case "uuid":
      return dice.happens(0.9) ? uuid() : text();
    case "json":
      return dice.pick(["{}", "[]", '{"a": [1, 2.5, null]}', '"text"', "[[[[]]]]", "{"]);
    case "text":
      return text();
    case "texts":
      return Array.from({ length: dice.between(0, 3) }, text);
    case "timestamp":
      return NOON + dice.pick([0, 1, -1_000_000, 60_000_000, 86_400_000_000]);
    case "long":
      return whole();
    case "int":
      return dice.pick([0, 1, -1, 999, 70_000]);
    case "double":
      return dice.pick([0, -0, 0.1, 184.25, -3, 1e300, 5e-324, Number.POSITIVE_INFINITY]);
    case "boolean":
      return dice.happens(0.5);
  }
}
