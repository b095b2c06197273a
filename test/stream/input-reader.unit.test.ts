import { expect, test } from "vitest";
import { encodeEvent } from "../../src/event/codec.ts";
import type { FillEvent } from "../../src/event/events.ts";
import type { Registry } from "../../src/event/registry.ts";
import { EVENT_SCHEMAS } from "../../src/event/schemas.ts";
import { InputReader } from "../../src/stream/input-reader.ts";
import type { Input } from "../../src/stream/inputs.ts";
import { FetchedBatch } from "../../src/topic/fetch/fetched-batch.ts";
import { NO_BROKERS_TIME } from "../../src/topic/fetch/records.ts";
import { OWN_WRITERS } from "../event/avro-types.ts";
import { fill, NOON } from "../support/samples.ts";
import { bufferedRecords } from "../topic/fetch/buffered-records.ts";

const SCHEMA_ID = 7;
const registry: Registry = {
  register: () => Promise.reject(new Error("nothing is registered here")),
  fetch: () => Promise.reject(new Error("every schema is known here")),
  writer: () => OWN_WRITERS.fill,
  isStale: () => false,
};
const INPUT: Input = {
  topic: "fills",
  ...{ topicName: "fills", partition: 0, done: 0, isWhole: true },
  ...{ end: 9, lastEnd: 9, next: 0, isPaused: false },
};

/** What a program is shown of these events. */
const shown = (...events: readonly object[]) => shownOf(NOON / 1000, events);

/** The same of events that the broker had at that time. */
async function shownOf(timeMs: number, events: readonly object[]): Promise<readonly object[]> {
  const records = bufferedRecords(
    events.map((event, offset) => ({
      offset,
      timeMs,
      key: null,
      value: encodeEvent("fills", SCHEMA_ID, event),
    })),
  );
  const range = {
    topicName: "fills",
    partition: 0,
    fetchedOffset: 0,
    nextOffset: events.length,
    logEnd: events.length,
  };
  const batch = new FetchedBatch(range, records, events.length);
  const shownRecords = await new InputReader(registry, ["fills"], { early1970: "refuse", rulesOff: [] }).read(
    INPUT,
    batch,
    events.length,
  );
  return shownRecords.map(({ event }) => ({ ...event }));
}

const IDS = EVENT_SCHEMAS.fill.fields.filter(({ type }) => type === "uuid").map(({ name }) => name);
const capitals = (event: FillEvent) =>
  Object.fromEntries(
    Object.entries(event).map(([name, value]) => [name, IDS.includes(name) ? String(value).toUpperCase() : value]),
  );

test("a program is shown an event whose ids are in capitals, which lands, too, with its ids in lower case", async () => {
  const event = fill(1, { backtest_session_id: fill().symbol_id });
  const plain = await shown(event);
  expect(plain).toHaveLength(1);
  expect(await shown(capitals(event))).toEqual(plain);
});

test("a program is shown nothing of an event that is a letter where it lands", async () => {
  expect(
    await shown(fill(1, { symbol_id: "IBM" }), fill(2, { quantity: -1 }), fill(3, { timestamp: NOON / 1000 })),
  ).toEqual([]);
  expect(await shownOf(NO_BROKERS_TIME, [fill(1, { timestamp: -NOON })])).toEqual([]);
});
