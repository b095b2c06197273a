import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { valuesDigest } from "../../../src/batch/encode/values-digest.ts";
import type { Records } from "../../../src/topic/fetch/records.ts";

const recordsOf = (values: readonly (Buffer | null)[]) =>
  ({ count: values.length, locate: (index, place) => place.cover(values[index]!) }) as Records;

it("is the SHA-256 of the batch's own values, whatever their sizes", () => {
  const sizes = [5, 0, 65_535, 65_536, 65_537, 1, 200_000, 65_536, 3];
  const values = sizes.map((size, index) => (index === 7 ? null : Buffer.alloc(size, index + 1)));
  for (const from of [0, 1, 4]) {
    const own = Buffer.concat(values.slice(from, 8).map((value) => value ?? Buffer.alloc(0)));
    const expected = createHash("sha256").update(own).digest();
    expect(valuesDigest({ records: recordsOf(values), from, to: 8 })).toEqual(expected);
  }
});

it("takes of buffers that hold several values no byte more than theirs, wherever they lie", () => {
  const buffers = [3, 8].map((shift) => Buffer.from(Array.from({ length: 80_000 }, (_, n) => n * 37)).subarray(shift));
  const spans = Array.from({ length: 30 }, (_, length): [number, number] => [31 * length + 1, 32 * length + 1]);
  const none: [number, number] = [-1, -1];
  const large: [number, number] = [5, 5 + 70_000];
  const places = [...spans, none, large, ...spans].map(([start, end], n) => ({
    bytes: buffers[(n % 3) & 1]!,
    start,
    end,
  }));
  const locate: Records["locate"] = (index, place) => void Object.assign(place, places[index]);
  const values = places.filter(({ start }) => start >= 0).map(({ bytes, start, end }) => bytes.subarray(start, end));
  const records = { count: places.length, locate } as Records;
  const expected = createHash("sha256").update(Buffer.concat(values)).digest();
  expect(valuesDigest({ records, from: 0, to: places.length })).toEqual(expected);
});
