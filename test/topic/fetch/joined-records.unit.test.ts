import { expect, it } from "vitest";
import { JoinedRecords } from "../../../src/topic/fetch/joined-records.ts";
import type { Records } from "../../../src/topic/fetch/records.ts";
import { bufferedRecords } from "./buffered-records.ts";

const RECORDS = bufferedRecords(
  ["a", null, "c", "d"].map((value, n) => ({
    offset: 100 + 2 * n,
    timeMs: 1_700_000 + n,
    key: n === 1 ? null : Buffer.from(`key ${n}`),
    value: value === null ? null : Buffer.from(value),
    headers: { n: String(n) },
  })),
);

const all = (records: Records) =>
  Array.from({ length: records.count }, (_, index) => ({
    ...records.record(index),
    alone: records.headersOf(index),
    offset: records.offsetOf(index),
    ms: records.publishedAtMs(index),
  }));

it("ranges of records are one list, in whatever order it is asked", () => {
  const joined = new JoinedRecords([
    { records: RECORDS, from: 1, to: 3 },
    { records: RECORDS, from: 0, to: 0 },
    { records: RECORDS, from: 3, to: 4 },
    { records: RECORDS, from: 0, to: 1 },
  ]);
  const [first, ...others] = all(RECORDS);
  expect(all(joined)).toEqual([...others, first]);
  for (const { headers, alone } of all(joined)) expect(alone).toEqual(headers);
  expect([3, 0, 2, 1].map((index) => joined.offsetOf(index))).toEqual([100, 102, 106, 104]);
});
