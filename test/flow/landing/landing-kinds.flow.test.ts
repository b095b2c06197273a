import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CONSUMER_OF, CONSUMERS } from "../../../consumers/all.ts";
import type { TickEvent } from "../../../src/event/events.ts";
import { OWN_ID } from "../../../src/event/identity.ts";
import { EVENT_SCHEMAS, type EventTopic } from "../../../src/event/schemas.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import fc from "../../support/random/fast-check.ts";
import * as sample from "../../support/samples.ts";
import { openTestTape, type Row, type TestTape } from "../../support/tape.ts";

let tape: TestTape;
const startedMs = Date.now();

beforeAll(async () => {
  tape = await openTestTape();
  await tape.publish("sessions", KINDS.sessions);
});
afterAll(() => tape.stop());

/** The landed rows of events by their ids, in the event's own terms: times in microseconds, jsonb as its value. */
async function landed(topic: EventTopic, ids: readonly string[]): Promise<ReadonlyMap<unknown, Row>> {
  const { landing } = CONSUMER_OF[topic];
  const columns = EVENT_SCHEMAS[landing.event].fields.map(({ name, type }) =>
    type === "timestamp" ? `(extract(epoch FROM "${name}") * 1000000)::bigint AS "${name}"` : `"${name}"`,
  );
  const key = OWN_ID[topic].field;
  const where = `WHERE ${key} = ANY($1::uuid[])`;
  const rows = await tape.query(`SELECT ${columns.join(", ")} FROM public.${landing.table} ${where}`, [ids]);
  const byId = new Map(rows.map((row) => [row[key], row]));
  expect(byId.size, `rows of ${topic} by their ids`).toBe(rows.length);
  return byId;
}

/** An event with its JSON text as the value it stands for, which is what jsonb keeps. */
function asRow(topic: EventTopic, event: object): Row {
  const { landing } = CONSUMER_OF[topic];
  const json = EVENT_SCHEMAS[landing.event].fields.filter(({ type }) => type === "json").map(({ name }) => name);
  const row = { ...event } as Row;
  for (const name of json) if (typeof row[name] === "string") row[name] = JSON.parse(row[name]);
  return row;
}

const KINDS = {
  symbols: sample.symbol(),
  sessions: sample.session(),
  ticks: sample.tick(1, {
    timestamp: sample.NOON + 123_457,
    timestamp_ns: 999,
    close: 0.1,
    volume: 5e-324,
    conditions: ['a "quoted" one', "back\\slash", "{braces,and,commas}", "", "NULL", "ünï €🚀"],
    backtest_session_id: sample.idOf("session"),
  }),
  quotes: sample.quote(1, {
    timestamp_ns: 999,
    bid_price: -37.63,
    bid_size: 5e-324,
    ask_price: null,
    ask_size: null,
    backtest_session_id: sample.idOf("session"),
  }),
  bars: sample.bar(1, { high: Number.MAX_VALUE, low: -37.63, open: -0 }),
  indicators: sample.indicator(1, { parameters: '{"fast": 12, "name": "Δ \\"x\\"", "list": [1.5, null, true]}' }),
  predictions: sample.prediction(1, { backtest_session_id: sample.idOf("session") }),
  decisions: sample.decision(1, { backtest_session_id: sample.idOf("session") }),
  fills: sample.fill(1, { backtest_session_id: sample.idOf("session") }),
  performance: sample.performance(1, { symbol_id: null, revised_at: -1 }),
  outcomes: sample.outcome(1, { backtest_session_id: sample.idOf("session") }),
  calls: sample.call(1, {
    request: '{"messages":["a \\u0000 and \\"quotes\\""]}',
    response_pieces: ["{braces}", "", "ünï €🚀"],
    backtest_session_id: sample.idOf("session"),
  }),
  contents: sample.content(1, { body: "a text\\n of\ttwo\nlines, €🚀", backtest_session_id: sample.idOf("session") }),
  audit: sample.audit(1),
} as const satisfies { readonly [T in EventTopic]: object };

async function publishAny(topic: EventTopic, event: object): Promise<void> {
  await tape.publish(topic, event as never, { headers: { "correlation-id": `workflow of ${topic}` } });
}

describe("an event of every kind", () => {
  test("lands with every column equal to what was published", async () => {
    const others = Object.entries(KINDS).filter(([topic]) => topic !== "sessions");
    for (const [topic, event] of others) await publishAny(topic as EventTopic, event);
    const tallies = await tape.land();
    for (const [topic, event] of Object.entries(KINDS) as [EventTopic, object][]) {
      const id = (event as Row)[OWN_ID[topic].field] as string;
      expect((await landed(topic, [id])).get(id), topic).toEqual(asRow(topic, event));
      expect(tallies[topic], topic).toMatchObject({ dead: 0, parked: 0, filtered: 0 });
    }
    expect(await ledgerFaults(tape)).toEqual([]);
  });

  test("says where and when it was published, in the tables of what agents did", async () => {
    const tables = [
      "model_prediction",
      "trade_decision",
      "trade_execution",
      "strategy_performance",
      "prediction_outcome",
      "agent_call",
    ];
    for (const table of tables) {
      const [row] = await tape.query<{ at: number; landed: boolean; partition: number; offset: number }>(
        `SELECT (extract(epoch FROM published_at) * 1000)::bigint AS at,
           landed_at >= published_at - interval '1 s' AS landed,
           source_partition AS partition, source_offset AS "offset" FROM public.${table}`,
      );
      // The broker's clock, which may differ from this one by what clocks differ.
      expect(row!.at, table).toBeGreaterThan(startedMs - 60_000);
      expect(row!.at, table).toBeLessThan(Date.now() + 60_000);
      expect([row!.landed, row!.offset], table).toEqual([true, 0]);
    }
  });

  test("tells the audit log what its topic promises: a receipt a batch, or an entry of each event", async () => {
    const rows = await tape.query<{ topic: string; types: string[] }>(
      `SELECT source_topic AS topic, array_agg(event_type ORDER BY event_type) AS types FROM public.audit_log
       WHERE source_topic <> 'ticks' GROUP BY 1`,
    );
    const byTopic = Object.fromEntries(rows.map(({ topic, types }) => [topic.split(".").at(-1), types]));
    const receipted = CONSUMERS.filter(({ audit }) => audit === "receipt").map(({ topic }) => topic);
    expect(byTopic, "if entries of each event are meant, add the topic here").toEqual({
      ...Object.fromEntries(receipted.map((topic) => [topic, ["RECEIPT"]])),
      symbols: ["SYMBOL"],
      sessions: ["SESSION"],
      predictions: ["MODEL_RUN"],
      decisions: ["TRADE_DECISION", "TRADE_SUBMIT"],
      fills: ["TRADE_EXECUTION"],
      performance: ["STRATEGY_PERFORMANCE"],
      outcomes: ["PREDICTION_OUTCOME"],
      calls: ["AGENT_CALL"],
    });
  });

  test("is told to the audit log by its whole content, digest, workflow, actor and coordinates", async () => {
    const [entry] = await tape.query<Row & { payload: { event: Row; value_sha256: string } }>(
      "SELECT *, source_offset AS o FROM public.audit_log WHERE event_type = 'TRADE_EXECUTION'",
    );
    expect(entry).toMatchObject({
      actor: "paper-broker",
      success: true,
      correlation_id: "workflow of fills",
      backtest_session_id: sample.idOf("session"),
      source_topic: tape.name("fills"),
      o: 0,
    });
    const times = { timestamp: "2024-03-05T14:30:00.000001Z", priced_at: "2024-03-05T14:30:00.000000Z" };
    expect(entry!.payload.event).toEqual({ ...KINDS.fills, ...times });
    expect(entry!.payload.value_sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  test("with a receipt has its counts and range there", async () => {
    const [receipt] = await tape.query<{ payload: Row; database_id: string }>(
      `SELECT payload, (SELECT database_id FROM tradetape.database_id) FROM public.audit_log
       WHERE event_type = 'RECEIPT' AND source_topic = $1`,
      [tape.name("ticks")],
    );
    expect(receipt!.payload).toMatchObject({
      database_id: receipt!.database_id,
      first_offset: 0,
      next_offset: 1,
      read: 1,
      written: 1,
      letters: [],
    });
  });
});

const text = fc.string({ unit: "binary", maxLength: 40 }).filter((s) => !s.includes("\0") && s.isWellFormed());
const double = fc.double({ noNaN: true, noDefaultInfinity: true });
const day = fc.integer({ min: 0, max: 2 });
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });

const ticks: fc.Arbitrary<Required<TickEvent>> = fc.record({
  market_data_id: fc.uuid(),
  symbol_id: fc.uuid(),
  timestamp: fc
    .tuple(day, fc.integer({ min: 0, max: 86_400_000_000 - 1 }))
    .map(([d, us]) => 1_700_006_400_000_000 + d * 86_400_000_000 + us),
  timestamp_ns: fc.integer({ min: 0, max: 999 }),
  close: double,
  volume: double.map(Math.abs),
  source: text.filter((s) => s !== ""),
  trade_id: maybe(text.filter((s) => s !== "")),
  venue: maybe(text),
  conditions: maybe(fc.array(text, { maxLength: 5 })),
  received_at: maybe(fc.integer({ min: Date.UTC(1970, 3) * 1000, max: 4_000_000_000_000_000 })),
  backtest_session_id: maybe(fc.constant(sample.idOf("session"))),
});

describe("any valid tick", () => {
  test("comes out of the table exactly as it went into the topic", async () => {
    const batches = fc.array(ticks, { minLength: 100, maxLength: 150, size: "max" });
    await fc.assert(
      fc.asyncProperty(batches, async (events) => {
        const unique = [...new Map(events.map((event) => [event.market_data_id, event])).values()];
        await tape.publishAll("ticks", unique);
        await tape.land("ticks");
        const ids = unique.map((event) => event.market_data_id);
        const byId = await landed("ticks", ids);
        for (const event of unique) expect(byId.get(event.market_data_id)).toStrictEqual({ ...event });
      }),
      { numRuns: 3, endOnFailure: true },
    );
    expect(await ledgerFaults(tape)).not.toContainEqual(expect.stringContaining("ticks"));
  });
});
