import { expect, it } from "vitest";
import { RowsWriter } from "../../../src/batch/encode/rows.ts";

/** Rows of these lengths, each written as a row's writer does: it asks for more room than the row takes in the end. */
function written(lengths: readonly number[]) {
  const rows = new RowsWriter(lengths.length);
  for (const [index, length] of lengths.entries()) {
    rows.out.reserve(length + 1000);
    rows.out.bytes.fill(index, rows.out.length, rows.out.length + length);
    rows.out.length += length;
    rows.close(index);
  }
  return rows.end();
}

it.each([20, 120, 190, 1000])("rows of some %i bytes land from the buffer that they were written to", (bytes) => {
  const { bytes: all, ends } = written(Array.from({ length: 10_000 }, (_, n) => bytes + (n % 10)));
  expect(all.length).toBe(ends[9999]);
  // From 1.2 on `Intake` copies them into one of their own.
  expect(all.buffer.byteLength).toBeLessThan(1.2 * all.length);
});

it("rows that are longer than the first ones are kept whole", () => {
  const lengths = Array.from({ length: 200 }, (_, n) => (n < 100 ? 10 : 3000));
  const { bytes, ends } = written(lengths);
  for (const [n, length] of lengths.entries()) {
    expect(bytes.subarray(ends[n]! - length, ends[n]).every((byte) => byte === n)).toBe(true);
  }
});
