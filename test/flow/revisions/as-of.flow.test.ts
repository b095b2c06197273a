import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { encodeEvent } from "../../../src/event/codec.ts";
import type { BarEvent, DecisionEvent } from "../../../src/event/events.ts";
import { Connection } from "../../../src/table/connection.ts";
import { openDice } from "../../chaos/dice.ts";
import { AVRO_TYPES } from "../../event/avro-types.ts";
import { compareTapes } from "../../support/comparison.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import { bar, decision, NOON, SYMBOL_ID } from "../../support/samples.ts";
import { plainKafka } from "../../support/services/plain-kafka.ts";
import { openTapeWithSymbol, type TestTape } from "../../support/tape.ts";

/** `AS_OF_DECISIONS=100000 npx vitest run --project flow test/flow/revisions/as-of.flow.test.ts` is the long run. */
const DECISIONS = Number(process.env.AS_OF_DECISIONS ?? 2000);
const PER_STEP = 50;
const REVISED_SHARE = 0.05;
/** What a decision looks at: so many of the last bars. */
const WINDOW = 30;
const MINUTE_US = 60_000_000;
/** A recorded time lies within a message's timestamp, which has milliseconds. */
const US = 1000;

let tape: TestTape;

beforeAll(async () => {
  tape = await openTapeWithSymbol();
});
afterAll(() => tape.stop());

/** A message as the recorder hears it, when the broker had it. */
interface Heard {
  readonly topic: string;
  readonly atUs: number;
  readonly value: Buffer;
}

/** Writes down what two topics say while they say it, by a client that knows nothing of landing. */
async function openRecorder(topics: readonly string[]) {
  const heard: Heard[] = [];
  const consumer = plainKafka(tape.config).consumer({ groupId: `recorder-${randomUUID()}`, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topics: [...topics], fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ topic, message }) => {
      heard.push({ topic, atUs: Number(message.timestamp) * US, value: message.value! });
    },
  });
  return { heard, stop: () => consumer.disconnect() };
}

/** A live feed of `DECISIONS` bars and as many decisions: of each step's bars some are told anew, and a few of those twice. */
async function publishFeed(): Promise<{ readonly bars: number; readonly revised: number }> {
  const dice = openDice(7);
  const send = async (topic: "bars" | "decisions", events: readonly object[]) => {
    const id = (await tape.encode(topic, events[0]!)).readInt32BE(1);
    await tape.raw(
      topic,
      events.map((event) => ({ value: encodeEvent(topic, id, event) })),
    );
  };
  let bars = 0;
  let revised = 0;
  for (let from = 0; from < DECISIONS; from += PER_STEP) {
    const told: object[] = [];
    for (let n = from; n < from + PER_STEP; n++) {
      told.push(bar(n, { close: 2 + n / 128, high: 1e6, revised_at: null }));
      while (n >= WINDOW && dice.happens(REVISED_SHARE)) {
        told.push(
          bar(n - dice.between(0, WINDOW), { close: 2 + dice.between(0, 1e6) / 128, high: 1e6, revised_at: null }),
        );
        revised++;
      }
    }
    bars += told.length;
    await send("bars", told);
    const decisions = Array.from({ length: PER_STEP }, (_, n) =>
      decision(from + n, { model_reference: null, timestamp: NOON + (from + n) * MINUTE_US }),
    );
    await send("decisions", decisions);
  }
  return { bars, revised };
}

const barText = (start: number, { open, high, low, close, volume }: BarEvent) =>
  [start, open, high, low, close, volume].join("|");

/** What each decision saw, as the recorder has it: the last bars up to its time, as they stood when the broker had it. */
function recorded(heard: readonly Heard[]): ReadonlyMap<string, string> {
  const known = new Map<number, BarEvent>();
  const seen = new Map<string, string>();
  // In one millisecond what is known comes before what is decided on it.
  const isBar = ({ topic }: Heard) => topic === tape.name("bars");
  for (const one of heard.toSorted((a, b) => a.atUs - b.atUs || Number(isBar(b)) - Number(isBar(a)))) {
    const bytes = one.value.subarray(5);
    if (isBar(one)) {
      const event = AVRO_TYPES.bar.fromBuffer(bytes) as BarEvent;
      known.set(event.timestamp, event);
      continue;
    }
    const { decision_id, timestamp } = AVRO_TYPES.decision.fromBuffer(bytes) as DecisionEvent;
    const starts = Array.from({ length: WINDOW }, (_, n) => timestamp - (WINDOW - 1 - n) * MINUTE_US);
    const texts = starts.flatMap((start) => (known.has(start) ? [barText(start, known.get(start)!)] : []));
    seen.set(decision_id, texts.join(","));
  }
  return seen;
}

/** The same as a table of bars, or a function of one, has it. */
async function asked(barsOf: string): Promise<ReadonlyMap<string, string>> {
  const rows = await tape.query<{ id: string; seen: string }>(
    `SELECT d.decision_id AS id, string_agg(concat_ws('|', (extract(epoch FROM b."timestamp") * 1000000)::bigint, b.open,
       b.high, b.low, b.close, b.volume), ',' ORDER BY b."timestamp") AS seen
     FROM public.trade_decision d CROSS JOIN LATERAL (SELECT * FROM ${barsOf} k
       WHERE k.symbol_id = d.symbol_id AND k."timestamp" <= d."timestamp"
         AND k."timestamp" > d."timestamp" - interval '${WINDOW} min' OFFSET 0) b
     GROUP BY d.decision_id`,
  );
  return new Map(rows.map(({ id, seen }) => [id, seen]));
}

/** Of one side, how many of the decisions the other has otherwise, and the first of them. */
function differing(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>) {
  const ids = [...a.keys()].filter((id) => a.get(id) !== b.get(id));
  return { decisions: ids.length, first: ids.slice(0, 1).map((id) => [a.get(id), b.get(id)]) };
}

test("every decision on a live feed is given, byte for byte, the bars that a recorder heard before it", async () => {
  const recorder = await openRecorder([tape.name("bars"), tape.name("decisions")]);
  const stop = new AbortController();
  const landing = tape.landWith(["bars", "decisions"], { untilCaughtUp: false, stop: stop.signal });
  const { bars, revised } = await publishFeed();
  await expect.poll(() => recorder.heard.length).toBe(bars + DECISIONS);
  await recorder.stop();
  stop.abort();
  await landing;
  await tape.land();
  expect(await ledgerFaults(tape)).toEqual([]);

  const heard = recorded(recorder.heard);
  const known = await asked("public.market_data_bar_as_of(d.published_at)");
  expect(known.size).toBe(DECISIONS);
  expect(differing(known, heard)).toEqual({ decisions: 0, first: [] });
  // Without revisions it would be another answer for many of them.
  const now = await asked("public.market_data_bar");
  expect(differing(now, heard).decisions).toBeGreaterThan(DECISIONS / 10);
  const [{ n } = { n: 0 }] = await tape.query<{ n: number }>(
    "SELECT count(*) AS n FROM public.market_data_bar_revision",
  );
  expect(n).toBeGreaterThan(revised * 0.9);
});

test("a database that lands the same topics later, in other batches, has the same history", async () => {
  const beside = await tape.beside("later");
  await beside.land();
  const { equal, tables } = await compareTapes(tape, beside);
  expect(tables.filter((table) => !table.equal)).toEqual([]);
  expect(equal).toBe(true);
  expect(tables.find(({ table }) => table === "market_data_bar_revision")!.rowsHere).toBeGreaterThan(0);
  await beside.stop();
});

test("as-of finds rows by key and time, by the indexes of the table and of its revisions", async () => {
  const connection = await Connection.open(tape.config.databaseUrl, { name: "test", role: "tradetape_reader" });
  // A table of a few blocks is read whole, whatever indexes it has.
  await connection.query("SET enable_seqscan = off");
  for (const table of ["market_data_bar", "technical_indicator"]) {
    const day = `"timestamp" BETWEEN '2024-03-05 14:30:00+00' AND '2024-03-05 14:40:00+00'`;
    const asked = [
      `FROM public.${table}_as_of('2024-03-05 15:00:00+00') WHERE symbol_id = '${SYMBOL_ID}' AND ${day}`,
      `FROM public.trade_decision d CROSS JOIN LATERAL (SELECT * FROM public.${table}_as_of(d.published_at) k
         WHERE k.symbol_id = d.symbol_id AND k."timestamp" = d."timestamp" OFFSET 0) known`,
    ];
    for (const from of asked) {
      const plan = await connection.query<{ "QUERY PLAN": string }>(`EXPLAIN SELECT revised_at ${from}`);
      const text = plan.map((row) => row["QUERY PLAN"]).join("\n");
      const used = [...text.matchAll(/(?:on|using) (\w+_key)\b/g)].map(([, index]) => index);
      expect(used, text).toEqual([`${table}_key`, `${table}_revision_key`]);
    }
  }
  await connection.close();
});
