import { expect, it } from "vitest";
import { FetchedBatch, type RawRecord, type Records } from "../../src/topic/fetched-batch.ts";
import { KeptRecords } from "../../src/topic/kept-records.ts";

const FETCH = Buffer.alloc(64 * 1024, "0123456789");

/** Messages as kafkajs gives them: every key and value is a part of the whole fetch's bytes. */
const MESSAGES = [
  { key: FETCH.subarray(10, 13), value: FETCH.subarray(20, 30), headers: {} },
  { key: null, value: FETCH.subarray(0, 5), headers: { a: FETCH.subarray(1, 3), b: [FETCH.subarray(7, 8), "text"] } },
  { key: FETCH.subarray(3, 3), value: null, headers: { none: null as unknown as Buffer } },
  { key: FETCH.subarray(2, 4), value: FETCH.subarray(6, 6), headers: {} },
].map((message, n) => ({ ...message, attributes: 0, offset: String(100 + 2 * n), timestamp: String(1_700_000 + n) }));

const BATCH = new FetchedBatch(0, 100, 106, MESSAGES, 7);

const all = (records: Records) => Array.from({ length: records.count }, (_, index) => seen(records, index));
const seen = (records: Records, index: number) => {
  const { key, value, headers } = records.record(index);
  return { key, value, headers: headers ?? {}, offset: records.offsetOf(index), ms: records.publishedAtMs(index) };
};

it("kept records are the records they were: keys, values, headers, nulls, offsets and times", () => {
  expect(all(new KeptRecords([{ records: BATCH, from: 0, to: 4 }]))).toEqual(all(BATCH));
});

it("ranges are kept one behind the other, and may be kept again", () => {
  const first = new KeptRecords([{ records: BATCH, from: 1, to: 3 }]);
  const again = new KeptRecords([
    { records: first, from: 0, to: 2 },
    { records: BATCH, from: 3, to: 4 },
  ]);
  expect(all(again)).toEqual(all(BATCH).slice(1));
});

it("kept records hold nothing of the fetch they came with", () => {
  const kept = new KeptRecords([{ records: BATCH, from: 0, to: 4 }]);
  const buffers = ({ key, value, headers }: RawRecord) => [key, value, ...Object.values(headers ?? {}).flat()];
  const held = Array.from({ length: 4 }, (_, index) => buffers(kept.record(index))).flat();
  for (const buffer of held) if (Buffer.isBuffer(buffer)) expect(buffer.buffer).not.toBe(FETCH.buffer);
});

it("what they take counts keys, values, places and headers", () => {
  const plain = new KeptRecords([{ records: BATCH, from: 3, to: 4 }]);
  const rich = new KeptRecords([{ records: BATCH, from: 1, to: 2 }]);
  expect(plain.heldBytes).toBe(2 + 28);
  expect(rich.heldBytes).toBeGreaterThan(5 + 28 + 3 * 256);
  expect(BATCH.keepBytes).toBe(3 + 10 + 5 + 2 + 4 * 28);
});
