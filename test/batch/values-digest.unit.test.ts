import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { valuesDigest } from "../../src/batch/values-digest.ts";
import type { Records } from "../../src/topic/fetched-batch.ts";

const recordsOf = (values: readonly (Buffer | null)[]) =>
  ({ count: values.length, locate: (index, place) => place.hold(values[index]!) }) as Records;

it("is the SHA-256 of the batch's own values, whatever their sizes", () => {
  const sizes = [5, 0, 65_535, 65_536, 65_537, 1, 200_000, 65_536, 3];
  const values = sizes.map((size, index) => (index === 7 ? null : Buffer.alloc(size, index + 1)));
  for (const from of [0, 1, 4]) {
    const own = Buffer.concat(values.slice(from, 8).map((value) => value ?? Buffer.alloc(0)));
    const expected = createHash("sha256").update(own).digest();
    expect(valuesDigest({ records: recordsOf(values), from, to: 8 })).toEqual(expected);
  }
});

it("takes of a buffer that holds several values no byte more than theirs, wherever they lie", () => {
  const bytes = Buffer.from(Array.from({ length: 1024 }, (_, n) => (n * 37) & 0xff)).subarray(3);
  const spans = Array.from({ length: 30 }, (_, length): [number, number] => [31 * length + 1, 32 * length + 1]);
  const locate: Records["locate"] = (index, place) => {
    place.bytes = bytes;
    [place.start, place.end] = spans[index]!;
  };
  const expected = createHash("sha256").update(Buffer.concat(spans.map(([start, end]) => bytes.subarray(start, end))));
  const records = { count: spans.length, locate } as Records;
  expect(valuesDigest({ records, from: 0, to: spans.length })).toEqual(expected.digest());
});
