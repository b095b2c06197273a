import { describe, expect, it } from "vitest";
import { bars } from "../../../consumers/bars.ts";
import { ticks } from "../../../consumers/ticks.ts";
import type { Consumer } from "../../../src/batch/consumer.ts";
import { encodeBatch } from "../../../src/batch/encode/encode.ts";
import type { EncodedBatch } from "../../../src/batch/encode/encoded-batch.ts";
import type { Encoder } from "../../../src/batch/encode/encoder.ts";
import { EventFilter } from "../../../src/batch/encode/event-filter.ts";
import { KnownDays } from "../../../src/batch/encode/known-days.ts";
import { indexOf } from "../../../src/batch/encode/offset-index.ts";
import type { EventReader } from "../../../src/event/codec.ts";
import { dayOf } from "../../../src/event/day.ts";
import { Refusal } from "../../../src/event/letter.ts";
import { writeText, writeTimestamp } from "../../../src/table/rows/copy-buffer.ts";
import { RowEncoder } from "../../../src/table/rows/row-encoder.ts";
import type { Records } from "../../../src/topic/fetch/records.ts";
import { EVERY_SESSION_KIND, NOON } from "../../support/samples.ts";

const DAY_US = 86_400_000_000;
const PUBLISHED_MS = NOON / 1000;

/** Reads values that are JSON text; anything else is as undecodable as Avro would find it. */
const reader = {
  read(value: Buffer | null) {
    if (value === null) return new Refusal("null_value", "no value");
    if (value[0] !== 123) return new Refusal("undecodable", "no event");
    return { backtest_session_id: null, ...JSON.parse(String(value)) };
  },
} as unknown as EventReader;

function encoderOf(consumer: Consumer, change: Partial<Encoder> = {}): Encoder {
  const columns = [
    { name: "source", from: "event", write: writeText },
    { name: "timestamp", from: "event", write: writeTimestamp },
  ] as const;
  return {
    consumer,
    reader,
    rowEncoder: new RowEncoder(columns, false),
    transcoders: { of: () => undefined },
    eventBytesMax: 1000,
    early1970: "refuse",
    judge: () => undefined,
    signerOf: undefined,
    newDaysPerBatchMax: 2,
    filter: new EventFilter(EVERY_SESSION_KIND),
    days: new KnownDays("market_data_tick"),
    ...change,
  };
}

/** Records at these offsets, published at noon. */
function recordsOf(values: readonly (object | Buffer | null)[], offsets: readonly number[]): Records {
  const bytes = values.map((v) => (v === null || Buffer.isBuffer(v) ? v : Buffer.from(JSON.stringify(v))));
  return {
    count: values.length,
    offsetOf: (index) => offsets[index]!,
    publishedAtMs: () => PUBLISHED_MS,
    locate: (index, place) => place.cover(bytes[index]!),
    headersOf: () => undefined,
    faultAt: () => undefined,
    record: (index) => ({ key: null, value: bytes[index]! }),
  };
}

const at = (timestamp: number, source = "s") => ({ timestamp, source });
const dense = (count: number, first = 0) => Array.from({ length: count }, (_, n) => first + n);

function encode(
  values: readonly (object | Buffer | null)[],
  change: Partial<Encoder> = {},
  consumer: Consumer = ticks,
) {
  const range = { firstOffset: 0, nextOffset: values.length, from: 0 };
  return encodeBatch(encoderOf(consumer, change), 3, recordsOf(values, dense(values.length)), range);
}

const reasons = ({ letters }: EncodedBatch) => letters.map(({ index, reason, column }) => [index, reason, column]);

describe("encoding a batch", () => {
  it("turns each record into a row or a letter, in their order", () => {
    const batch = encode([
      at(NOON),
      null,
      at(NOON, "a\0"),
      Buffer.from("x"),
      at(NOON),
      { ...at(NOON), pad: "p".repeat(1000) },
    ]);
    expect(Array.from(batch.rows.indexes)).toEqual([0, 4]);
    expect(batch.rows.ends).toHaveLength(2);
    expect(batch.rows.bytes.length).toBe(batch.rows.ends[1]);
    expect(reasons(batch)).toEqual([
      [1, "null_value", undefined],
      [2, "invalid", "source"],
      [3, "undecodable", undefined],
      [5, "too_large", undefined],
    ]);
  });

  it("leaves no byte of a refused row between its neighbours", () => {
    const mixed = encode([at(NOON), at(NOON, "long\0".repeat(20)), at(NOON)]);
    const clean = encode([at(NOON), at(NOON)]);
    expect(mixed.rows.bytes).toEqual(clean.rows.bytes);
    expect(mixed.rows.ends).toEqual(clean.rows.ends);
  });

  it("takes times from 1684 until two days from their publishing, to the microsecond", () => {
    const limit = NOON + 2 * DAY_US;
    const batch = encode(
      [at(-Number.MAX_SAFE_INTEGER), at(-1), at(limit), at(limit + 1), at(Number.MAX_SAFE_INTEGER)],
      {
        newDaysPerBatchMax: 9,
      },
    );
    expect(Array.from(batch.rows.indexes)).toEqual([0, 1, 2]);
    expect(reasons(batch)).toEqual([3, 4].map((index) => [index, "time_out_of_range", "timestamp"]));
    expect(batch.days).toEqual([dayOf(-Number.MAX_SAFE_INTEGER), -1, dayOf(limit)]);
  });

  it("takes no time of the first quarter of 1970, unless it is told that such history is meant", () => {
    const april = Date.UTC(1970, 3, 1) * 1000;
    const seconds = NOON / 1e6;
    const events = [at(-1), at(0), at(seconds), at(seconds * 1000), at(april - 1), at(april)];
    const refusing = encode(events, { newDaysPerBatchMax: 9 });
    expect(Array.from(refusing.rows.indexes)).toEqual([0, 5]);
    expect(reasons(refusing)).toEqual([1, 2, 3, 4].map((index) => [index, "time_unit", "timestamp"]));
    expect(refusing.letters[1]!.detail).toContain(`as seconds ${new Date(NOON / 1000).toISOString()}`);
    expect(refusing.letters[2]!.detail).toContain(`as milliseconds it is ${new Date(NOON / 1000).toISOString()}`);
    expect(encode(events, { newDaysPerBatchMax: 9, early1970: "allow" }).letters).toEqual([]);
  });
});

describe("the days of a batch", () => {
  const days = [0, 0, 1, 0, 1, 2, 0].map((day) => at(NOON - day * DAY_US));
  const today = dayOf(NOON);

  it("are cut before the row that needs one new day more than the limit", () => {
    const batch = encode(days);
    expect([batch.from, batch.to, batch.nextOffset]).toEqual([0, 5, 5]);
    expect([...batch.days].sort()).toEqual([today - 1, today]);
  });

  it("that are known already don't count", () => {
    expect(encode(days, { days: new KnownDays("market_data_tick", 0, [today - 2]) })).toMatchObject({
      to: 7,
      nextOffset: 7,
    });
    expect(encode(days, { newDaysPerBatchMax: 3 })).toMatchObject({ to: 7 });
  });

  it("are those of the column that the declaration calls the time", () => {
    const byReceipt = { ...ticks, time: "received_at" as const };
    expect(encode([{ ...at(NOON), received_at: NOON - DAY_US }], {}, byReceipt).days).toEqual([today - 1]);
  });

  it("of letters don't count, nor do those of a table without days", () => {
    expect(encode([at(NOON), at(0), at(DAY_US), at(NOON - DAY_US)])).toMatchObject({ to: 4 });
    const all = encode(days, {}, bars);
    expect([all.to, all.days]).toEqual([7, []]);
  });

  it("leave a rest that is encoded as a batch of its own, with no record twice and none left out", () => {
    const records = recordsOf(days, dense(7, 100));
    const first = encodeBatch(encoderOf(ticks), 0, records, { firstOffset: 98, nextOffset: 110, from: 0 });
    const second = encodeBatch(encoderOf(ticks), 0, records, {
      firstOffset: first.nextOffset,
      nextOffset: 110,
      from: first.to,
    });
    expect([first.firstOffset, first.nextOffset, ...Array.from(first.rows.indexes)]).toEqual([98, 105, 0, 1, 2, 3, 4]);
    expect([second.firstOffset, second.nextOffset, ...Array.from(second.rows.indexes)]).toEqual([105, 110, 5, 6]);
    const held = [first, second].map(({ rows }) => (rows.ends as Uint32Array).buffer.byteLength);
    expect(held).toEqual([5 * 4, 2 * 4]);
  });
});

describe("the sessions of a batch", () => {
  const id = "5b6e3c1e-8d0f-5c3a-9b1e-00000000a001";
  const of = (backtest_session_id: string | null) => ({ ...at(NOON), backtest_session_id });

  it("are spelt as the database spells them, whatever the events do", () => {
    expect(encode([of(id.toUpperCase()), of(id), of(null), of(id.toUpperCase())]).sessions).toEqual([id]);
  });

  it("are found in the fates and in the filter by either spelling", () => {
    const records = recordsOf([of(id.toUpperCase()), of(id)], dense(2));
    const fates = new Map([[id, "filtered"] as const]);
    const range = { firstOffset: 0, nextOffset: 2, from: 0 };
    expect(encodeBatch(encoderOf(ticks), 0, records, { ...range, fates }).filtered).toBe(2);
    const filter = new EventFilter(EVERY_SESSION_KIND, { only: id });
    expect(encodeBatch(encoderOf(ticks, { filter }), 0, records, range).filtered).toBe(0);
  });

  it("are asked for by UUIDs only: other text would fail the question, and with it the neighbours", () => {
    expect(encode([of("nightly run"), of(id), of("")]).sessions).toEqual([id]);
  });
});

describe("offsets with holes", () => {
  const offsets = [3, 7, 8, 20];
  const records = recordsOf(
    offsets.map(() => at(NOON)),
    offsets,
  );

  it("are covered from the fetch's beginning to its end", () => {
    const batch = encodeBatch(encoderOf(ticks), 0, records, { firstOffset: 2, nextOffset: 25, from: 0 });
    expect([batch.firstOffset, batch.nextOffset, batch.rows.indexes.length]).toEqual([2, 25, 4]);
  });

  it("are found again by halving, and one that isn't there is a bug", () => {
    const batch = { records, from: 0, to: 4 };
    expect(offsets.map((offset) => indexOf(batch, offset))).toEqual([0, 1, 2, 3]);
    expect(() => indexOf(batch, 9)).toThrow("no record has the offset 9");
    expect(() => indexOf({ ...batch, to: 3 }, 20)).toThrow("no record");
  });
});
