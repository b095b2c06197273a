import { EVENT_SCHEMAS } from "../../src/event/schemas.ts";
import type { Dice } from "../chaos/dice.ts";
import { recordsWithin } from "../event/records-within.ts";
import { mutate } from "../fuzz/mutate.ts";
import { fillOf, nobodysDecision, SYMBOLS } from "./events.ts";

/** A message that somebody hostile writes, and how it is compressed. */
export interface Hostile {
  readonly value: Buffer | null;
  readonly key?: Buffer | null;
  readonly headers?: Readonly<Record<string, string | Buffer | (string | Buffer)[]>>;
  readonly compression?: 0 | 1 | 2 | 3 | 4;
}

/** What making one has at hand. */
export interface Means {
  readonly dice: Dice;
  readonly n: number;
  readonly nowUs: number;
  /** A fill in the wire format, unchecked. */
  readonly encode: (event: object) => Buffer;
  /** The id of one of the writer's own schemas. */
  readonly ownSchema: () => number;
}

const MIB = 2 ** 20;
const UNKNOWN_ID = 999_999;

const good = ({ encode, n, nowUs }: Means, change: object = {}) =>
  encode({ ...fillOf(n, n % SYMBOLS.length, nowUs), ...change });

function bytes(dice: Dice, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => dice.between(0, 255)));
}

function withId(value: Buffer, id: number): Buffer {
  value.writeInt32BE(id, 1);
  return value;
}

/** What no broker refuses and no consumer wants, each by its name; how often one comes beside the others. */
export const KINDS: Readonly<Record<string, { readonly weight: number; readonly make: (means: Means) => Hostile }>> = {
  null: { weight: 4, make: () => ({ value: null }) },
  short: { weight: 4, make: ({ dice }) => ({ value: bytes(dice, dice.between(0, 6)) }) },
  noise: { weight: 6, make: ({ dice }) => ({ value: bytes(dice, dice.between(10, 300)) }) },
  "noise behind a good header": {
    weight: 8,
    make: (means) => ({ value: Buffer.concat([good(means).subarray(0, 5), bytes(means.dice, 120)]) }),
  },
  truncated: { weight: 6, make: (means) => ({ value: good(means).subarray(0, means.dice.between(5, 60)) }) },
  mutated: { weight: 12, make: (means) => ({ value: mutate(good(means), means.dice, [good(means)]) }) },
  "a schema that nobody has": {
    weight: 6,
    make: (means) => ({ value: withId(good(means), UNKNOWN_ID + (means.n % 9)) }),
  },
  "a schema of its own": { weight: 8, make: (means) => ({ value: withId(good(means), means.ownSchema()) }) },
  "a NUL": { weight: 5, make: (means) => ({ value: good(means, { broker: "a\0b" }) }) },
  "a time of 1970": { weight: 4, make: (means) => ({ value: good(means, { timestamp: 1 }) }) },
  "a time to come": { weight: 4, make: (means) => ({ value: good(means, { timestamp: means.nowUs * 2 }) }) },
  "a broken rule": {
    weight: 8,
    make: (means) => ({ value: good(means, { quantity: -5, executed_price: Number.NaN }) }),
  },
  "an id that is none": { weight: 5, make: (means) => ({ value: good(means, { execution_id: "'; DROP TABLE x" }) }) },
  "another's id": { weight: 5, make: (means) => ({ value: good({ ...means, n: 1 }, { fee: means.n }) }) },
  orphan: { weight: 3, make: (means) => ({ value: good(means, { decision_id: nobodysDecision(means.n) }) }) },
  "many headers": {
    weight: 3,
    make: ({ dice }) => ({
      value: null,
      headers: Object.fromEntries(Array.from({ length: 2000 }, (_, n) => [`h${n}`, bytes(dice, 3)])),
    }),
  },
  "odd headers": {
    weight: 5,
    make: (means) => ({
      value: good(means, { quantity: -1 }),
      headers: {
        ["__proto__"]: "a",
        "tradetape-redrive": "9".repeat(40),
        "": "",
        "a\0b": ["x", "y"],
        correlation_id: "\u001b[2J",
      },
    }),
  },
  "a long header": { weight: 1, make: () => ({ value: null, headers: { h: Buffer.alloc(MIB / 2, 7) } }) },
  "a long key": {
    weight: 1,
    make: (means) => ({ value: good(means, { quantity: -1 }), key: Buffer.alloc(MIB / 4, 9) }),
  },
  "a large value": { weight: 0.1, make: (means) => ({ value: Buffer.concat([good(means), Buffer.alloc(2 * MIB)]) }) },
  bomb: {
    weight: 0.15,
    make: ({ dice }) => ({ value: Buffer.alloc(dice.between(8, 32) * MIB), compression: dice.pick([1, 3, 4]) }),
  },
  "a bomb beyond all bounds": {
    weight: 0.05,
    make: ({ dice }) => ({ value: Buffer.alloc(100 * MIB), compression: dice.pick([1, 4]) }),
  },
};

/** Schemas of the writer's own, with a fill's fields: some can be read, some must not be. */
export function ownSchemas(): readonly object[] {
  const fill = JSON.parse(EVENT_SCHEMAS.fill.json) as { readonly name: string; readonly fields: readonly object[] };
  const withField = (type: unknown) => ({ ...fill, fields: [...fill.fields, { name: "theirs", type }] });
  return [
    withField(recordsWithin(40)),
    withField({ type: "array", items: recordsWithin(30, 3) }),
    withField(recordsWithin(100, 1)),
    withField(recordsWithin(14, 2, "null")),
    withField({ type: "map", values: "null" }),
    withField({ type: "array", items: "null" }),
    withField({ type: "enum", name: "many", symbols: Array.from({ length: 20_000 }, (_, n) => `s${n}`) }),
    { ...fill, fields: fill.fields.toReversed() },
    { type: "record", name: "something", fields: [{ name: "a", type: "long" }] },
    { type: "record", name: fill.name, fields: [] },
  ];
}

/** One of the kinds, by their weights. */
export function pickKind(dice: Dice): string {
  const names = Object.entries(KINDS);
  let left = dice.next() * names.reduce((sum, [, { weight }]) => sum + weight, 0);
  for (const [name, { weight }] of names) {
    left -= weight;
    if (left <= 0) return name;
  }
  return names[0]![0];
}
