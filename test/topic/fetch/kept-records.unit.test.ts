import { expect, it } from "vitest";
import { FetchedBatch } from "../../../src/topic/fetch/fetched-batch.ts";
import { JoinedRecords } from "../../../src/topic/fetch/joined-records.ts";
import { KeptRecords } from "../../../src/topic/fetch/kept-records.ts";
import type { RawRecord, Records } from "../../../src/topic/fetch/records.ts";

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
  expect(all(new KeptRecords(BATCH))).toEqual(all(BATCH));
});

it("ranges of records are one list, in whatever order it is asked", () => {
  const kept = new KeptRecords(BATCH);
  const joined = new JoinedRecords([
    { records: kept, from: 1, to: 3 },
    { records: BATCH, from: 0, to: 0 },
    { records: BATCH, from: 3, to: 4 },
    { records: kept, from: 0, to: 1 },
  ]);
  const [first, ...others] = all(BATCH);
  expect(all(joined)).toEqual([...others, first]);
  expect([3, 0, 2, 1].map((index) => joined.offsetOf(index))).toEqual([100, 102, 106, 104]);
});

it("kept records hold nothing of the fetch they came with", () => {
  const kept = new KeptRecords(BATCH);
  const buffers = ({ key, value, headers }: RawRecord) => [key, value, ...Object.values(headers ?? {}).flat()];
  const held = Array.from({ length: 4 }, (_, index) => buffers(kept.record(index))).flat();
  for (const buffer of held) if (Buffer.isBuffer(buffer)) expect(buffer.buffer).not.toBe(FETCH.buffer);
});

it("what they take counts keys, values, places and headers", () => {
  const plain = { ...MESSAGES[3]!, key: FETCH.subarray(2, 4) };
  expect(new KeptRecords(new FetchedBatch(0, 106, 106, [plain], 1)).heldBytes).toBe(2 + 28);
  expect(new KeptRecords(new FetchedBatch(0, 102, 102, [MESSAGES[1]!], 1)).heldBytes).toBeGreaterThan(5 + 28 + 3 * 256);
  expect(BATCH.keepBytes).toBe(3 + 10 + 5 + 2 + 4 * 28);
});
