import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EventTopic } from "../../../src/event/schemas.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import { audit, bar, decision, idOf, indicator, prediction, session, tick } from "../../support/samples.ts";
import { openTapeWithSymbol, type RawEvent, type TestTape } from "../../support/tape.ts";

let tape: TestTape;

beforeAll(async () => {
  tape = await openTapeWithSymbol();
});
afterAll(() => tape.stop());

interface Poison {
  readonly what: string;
  readonly topic: EventTopic;
  /** Made unchecked, or taken as it is. */
  readonly event?: object;
  readonly value?: (good: Buffer) => Buffer | null;
  readonly letter: readonly [reason: string, column?: string | null, sqlstate?: string | null];
}

/** What stands for a value that was too large: letters-cut.flow has the figures. */
const CUT = { "tradetape-value-bytes": expect.any(String), "tradetape-value-sha256": expect.any(String) };
const DAY_US = 86_400_000_000;
const today = Date.now() * 1000;
const jsonLine = "parameters";

/** A time whose bytes are nowhere else in an event, to be replaced by one that no number of JavaScript's holds. */
const MARKED_US = 1_234_567_890_123_456;

function withTime(value: Buffer, us: bigint): Buffer {
  const [before, after] = [long(BigInt(MARKED_US)), long(us)];
  const at = value.indexOf(before);
  return Buffer.concat([value.subarray(0, at), after, value.subarray(at + before.length)]);
}

/** Avro's long: zigzag, then seven bits a byte, the lowest first. */
function long(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Buffer.from([...bytes, Number(rest)]);
}

const POISON: readonly Poison[] = [
  { what: "a null value", topic: "ticks", value: () => null, letter: ["null_value"] },
  {
    what: "a wrong magic byte",
    topic: "ticks",
    value: (v) => Buffer.concat([Buffer.of(1), v.subarray(1)]),
    letter: ["not_avro"],
  },
  { what: "three bytes", topic: "ticks", value: () => Buffer.of(0, 0, 0), letter: ["not_avro"] },
  { what: "no bytes", topic: "ticks", value: () => Buffer.alloc(0), letter: ["not_avro"] },
  {
    what: "a schema id that nobody registered",
    topic: "ticks",
    value: (v) => Buffer.concat([Buffer.from("007fffffff", "hex"), v.subarray(5)]),
    letter: ["unknown_schema"],
  },
  { what: "a body cut short", topic: "ticks", value: (v) => v.subarray(0, v.length - 3), letter: ["undecodable"] },
  {
    what: "bytes behind its body",
    topic: "ticks",
    value: (v) => Buffer.concat([v, Buffer.of(0)]),
    letter: ["undecodable"],
  },
  {
    what: "invalid UTF-8",
    topic: "ticks",
    event: tick(0, { source: "BADTEXT" }),
    value: (v) => Buffer.from(v.toString("latin1").replace("BADTEXT", "BAD\u00ffEXT"), "latin1"),
    letter: ["undecodable"],
  },
  {
    what: "a lone surrogate",
    topic: "ticks",
    event: tick(0, { source: "BADTEXT" }),
    value: (v) => Buffer.from(v.toString("latin1").replace("BADTEXT", "BADT\u00ed\u00a0\u0080"), "latin1"),
    letter: ["undecodable"],
  },
  {
    what: "a lone surrogate in JSON, escaped",
    topic: "indicators",
    event: indicator(0, { parameters: '{"a": "\\ud800"}' }),
    letter: ["refused", jsonLine, "22P02"],
  },
  {
    what: "a time in seconds",
    topic: "ticks",
    event: tick(0, { timestamp: Math.floor(today / 1e6) }),
    letter: ["time_unit", "timestamp"],
  },
  {
    what: "a time in three days",
    topic: "ticks",
    event: tick(0, { timestamp: today + 3 * DAY_US }),
    letter: ["time_out_of_range", "timestamp"],
  },
  {
    what: "a time in the year 2166",
    topic: "ticks",
    event: tick(0, { timestamp: 6.2e15 }),
    letter: ["time_out_of_range", "timestamp"],
  },
  {
    what: "a time in the year 291000",
    topic: "ticks",
    event: tick(0, { timestamp: MARKED_US }),
    value: (v) => withTime(v, 9_120_000_000_000_000_000n),
    letter: ["undecodable"],
  },
  {
    what: "a time in the year 283000 BC, before timestamptz begins",
    topic: "ticks",
    event: tick(0, { timestamp: MARKED_US }),
    value: (v) => withTime(v, -9_000_000_000_000_000_000n),
    letter: ["undecodable"],
  },
  { what: "a NUL in text", topic: "ticks", event: tick(0, { source: "a\0b" }), letter: ["invalid", "source"] },
  {
    what: "a NUL in long text",
    topic: "ticks",
    event: tick(0, { venue: `${"v".repeat(60)}\0` }),
    letter: ["invalid", "venue"],
  },
  {
    what: "a NUL in a list",
    topic: "ticks",
    event: tick(0, { conditions: ["@", "\0"] }),
    letter: ["invalid", "conditions"],
  },
  {
    what: "text that is no uuid",
    topic: "ticks",
    event: tick(0, { symbol_id: "IBM" }),
    letter: ["invalid", "symbol_id"],
  },
  {
    what: "a session that is no uuid",
    topic: "ticks",
    event: tick(0, { backtest_session_id: "nightly run" }),
    letter: ["invalid", "backtest_session_id"],
  },
  {
    what: "a uuid with a wrong digit",
    topic: "ticks",
    event: tick(0, { market_data_id: `${idOf("x").slice(0, -1)}g` }),
    letter: ["invalid", "market_data_id"],
  },
  {
    what: "two megabytes",
    topic: "ticks",
    event: tick(0, { source: "s".repeat(2_000_000) }),
    letter: ["too_large"],
  },
  { what: "NaN", topic: "ticks", event: tick(0, { close: Number.NaN }), letter: ["invalid", "close"] },
  {
    what: "an infinity",
    topic: "ticks",
    event: tick(0, { volume: Number.POSITIVE_INFINITY }),
    letter: ["invalid", "volume"],
  },
  {
    what: "an infinity below zero",
    topic: "ticks",
    event: tick(0, { close: Number.NEGATIVE_INFINITY }),
    letter: ["invalid", "close"],
  },
  {
    what: "40,000 nanoseconds",
    topic: "ticks",
    event: tick(0, { timestamp_ns: 40_000 }),
    letter: ["invalid", "timestamp_ns"],
  },
  {
    what: "interval 'tick' in a bar",
    topic: "bars",
    event: bar(0, { interval: "tick" }),
    letter: ["rule_broken", "interval", "23514"],
  },
  {
    what: "a negative volume of a bar",
    topic: "bars",
    event: bar(0, { volume: -1 }),
    letter: ["rule_broken", "volume", "23514"],
  },
  {
    what: "text that is no JSON",
    topic: "indicators",
    event: indicator(0, { parameters: "{fast" }),
    letter: ["refused", jsonLine, "22P02"],
  },
  {
    what: "JSON of two lines, wrong in the second",
    topic: "indicators",
    event: indicator(0, { parameters: '{"fast": 1,\n"slow": }' }),
    letter: ["refused", jsonLine, "22P02"],
  },
  {
    what: "a NUL in JSON, escaped",
    topic: "indicators",
    event: indicator(0, { parameters: '{"a": "\\u0000"}' }),
    letter: ["refused", jsonLine, "22P05"],
  },
  {
    what: "a number in JSON that numeric can't hold",
    topic: "indicators",
    event: indicator(0, { parameters: '{"a": 1e1000000}' }),
    letter: ["refused", jsonLine, "22003"],
  },
  {
    what: "a probability of 2",
    topic: "predictions",
    event: prediction(0, { probability_up: 2 }),
    letter: ["rule_broken", "probability_up", "23514"],
  },
  {
    what: "a negative decision",
    topic: "decisions",
    event: decision(0, { size: -1 }),
    letter: ["rule_broken", "size", "23514"],
  },
  {
    what: "a wrong enum index",
    topic: "sessions",
    event: session({ name: null }),
    // Behind the header lie the id (1 + 36 bytes) and then kind, as one byte.
    value: (v) => Buffer.concat([v.subarray(0, 42), Buffer.of(40), v.subarray(43)]),
    letter: ["undecodable"],
  },
  {
    what: "an audit payload that is no JSON",
    topic: "audit",
    event: audit(0, { payload: "x" }),
    letter: ["refused", "payload", "22P02"],
  },
];

const GOOD: Readonly<Record<string, (n: number) => object>> = {
  ticks: (n) => tick(n),
  bars: (n) => bar(n),
  indicators: (n) => indicator(n),
  predictions: (n) => prediction(n),
  decisions: (n) => decision(n, { model_reference: null }),
  sessions: (n) => session({ backtest_session_id: idOf(`s${n}`) }),
  audit: (n) => audit(n),
};

/** The audit topic holds the others' entries before. */
let firstOffset = 0;

/** A good event, then each poison with a good one behind it, as one batch where it fits. */
async function publishAmongGood(topic: EventTopic): Promise<readonly RawEvent[]> {
  const good = (n: number) => tape.encode(topic, GOOD[topic]!(n));
  const events: RawEvent[] = [{ value: await good(1), key: "good" }];
  for (const [n, { what, event, value, topic: of }] of POISON.entries()) {
    if (of !== topic) continue;
    const bytes = await tape.encode(topic, event ?? GOOD[topic]!(0));
    const headers = { note: [what, "second"], "correlation-id": "workflow", "back\\slash\0": Buffer.of(0, 255) };
    events.push({ value: value ? value(bytes) : bytes, key: `key of ${what}`, headers });
    events.push({ value: await good(n + 2), key: "good" });
  }
  const first = await tape.raw(topic, events);
  firstOffset = first.get(0)!;
  return events;
}

describe.each(Object.keys(GOOD) as EventTopic[])("bad events of %s", (topic) => {
  const bad = POISON.filter((poison) => poison.topic === topic);
  let events: readonly RawEvent[] = [];

  test("go aside, each as one letter with its reason, column and SQLSTATE, and all their neighbours land", async () => {
    events = await publishAmongGood(topic);
    const tally = (await tape.land(topic))[topic];
    const read = 2 * bad.length + 1;
    expect(tally).toMatchObject({
      read: firstOffset + read,
      written: firstOffset + read - bad.length,
      dead: bad.length,
    });
    const letters = await tape.query<{ what: string; reason: string; column_name: string; sqlstate: string }>(
      `SELECT convert_from(key, 'UTF8') AS what, reason, column_name, sqlstate FROM tradetape.dead_letter
       WHERE topic = $1 ORDER BY "offset"`,
      [tape.name(topic)],
    );
    const found = letters.map(({ what, reason, column_name, sqlstate }) => [what, reason, column_name, sqlstate]);
    expect(found).toEqual(
      bad.map(({ what, letter: [reason, column, state] }) => [`key of ${what}`, reason, column ?? null, state ?? null]),
    );
  });

  test("lie in the dead-letters topic with their key, bytes and headers, and why and whence beside them", async () => {
    const coordinates = (offset: number) => `${tape.name(topic)}/0/${offset}`;
    const all = new Map((await tape.read("dead-letters")).map((message) => [String(message.key), message]));
    for (const [index, event] of events.entries()) {
      const offset = firstOffset + index;
      if (event.key === "good") continue;
      const message = all.get(coordinates(offset))!;
      const { what, letter } = bad.find((poison) => event.key === `key of ${poison.what}`)!;
      const { note, "correlation-id": workflow, "back\\slash\0": bytes, ...told } = message.headers;
      expect(bytes, what).toEqual(Buffer.of(0, 255));
      const isCut = letter[0] === "too_large";
      expect(isCut || event.value === null ? message.value === null : event.value!.equals(message.value!), what).toBe(
        true,
      );
      expect([String(note), String(workflow)], what).toEqual([`${what},second`, "workflow"]);
      expect(Object.fromEntries(Object.entries(told).map(([name, value]) => [name, String(value)])), what).toEqual({
        "tradetape-reason": letter[0],
        "tradetape-detail": expect.stringMatching(/./),
        "tradetape-topic": tape.name(topic),
        "tradetape-partition": "0",
        "tradetape-offset": String(offset),
        "tradetape-timestamp": expect.stringMatching(/^\d{13}$/),
        "tradetape-key": event.key,
        ...(letter[1] ? { "tradetape-column": letter[1] } : {}),
        ...(letter[2] ? { "tradetape-sqlstate": letter[2] } : {}),
        ...(isCut ? CUT : {}),
      });
    }
  });
});

test("a letter of a topic audited one by one is told to the audit log once, and no other letter is", async () => {
  await tape.land("audit");
  const found = await tape.query<{ topic: string; n: number }>(
    `SELECT source_topic AS topic, count(*) AS n FROM public.audit_log
     WHERE event_type = 'DEAD_LETTER' GROUP BY 1 ORDER BY 1`,
  );
  const expected = ["decisions", "predictions", "sessions"] as const;
  expect(found).toEqual(expected.map((topic) => ({ topic: tape.name(topic), n: 1 })));
});

test("a receipt lists the letters of its batch", async () => {
  const found = await tape.query<{ letters: { offset: number; reason: string }[] }>(
    "SELECT payload->'letters' AS letters FROM public.audit_log WHERE event_type = 'RECEIPT' AND source_topic = $1",
    [tape.name("bars")],
  );
  expect(found.flatMap(({ letters }) => letters)).toEqual([
    { offset: 1, reason: "rule_broken" },
    { offset: 3, reason: "rule_broken" },
  ]);
});

test("the ledger of all this is whole", async () => {
  await tape.land();
  expect(await ledgerFaults(tape)).toEqual([]);
});
