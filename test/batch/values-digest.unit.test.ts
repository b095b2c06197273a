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
