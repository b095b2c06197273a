import { describe, expect, it } from "vitest";
import { BatchRecords } from "../../../src/topic/fetch/batch-records.ts";
import { openBatches } from "../../../src/topic/fetch/open-batches.ts";
import { ValuePlace } from "../../../src/topic/fetch/records.ts";
import { readRecordBatches } from "../../../src/topic/wire/read-batches.ts";
import { batchBytes, plain } from "../wire/batch-bytes.ts";

const MIB = 2 ** 20;
const threes = (count: number): number[] => Array(count).fill(3);

/** Batches of one record each, of so many MiB, compressed by codecs in turn. */
async function batchesOf(...sizes: readonly number[]) {
  const all = sizes.map((mib, offset) =>
    batchBytes([{ ...plain(""), value: Buffer.alloc(mib * MIB) }], offset, { compression: 1 + (offset % 4) }),
  );
  return readRecordBatches(Buffer.concat(await Promise.all(all)), 0);
}

describe("opening what a fetch brought of a partition", () => {
  it.each([
    [[1, 2, 3, 1], [0, 1, 2, 3], "what is small together"],
    [[1, 20, 1], [0], "what grows large not beside others"],
    [[20, 1, 1], [0], "what grows large alone, for what is behind it would be copied with it"],
    [threes(22), Array.from({ length: 21 }, (_, offset) => offset), "no more than one batch may grow to"],
    [[64], [0], "one that nobody can read, which is beyond what may be"],
  ])("of %j MiB opens %j: %s", async (sizes, offsets) => {
    const opened = await openBatches(await batchesOf(...sizes));
    expect(opened.map(({ lastOffset }) => lastOffset)).toEqual(offsets);
    expect(opened.every(({ isSealed }) => !isSealed)).toBe(true);
  });

  it("copies nothing of a batch that is decompressed and alone", async () => {
    for (const offset of [0, 1, 2, 3]) {
      const batches = await batchesOf(9, 9, 9, 9);
      const [one] = await openBatches([batches[offset]!]);
      expect(bytesOf(new BatchRecords([one!], 0)).buffer === one!.records.buffer).toBe(true);
    }
  });

  it("keeps nothing beside a batch in memory: neither the fetch nor what its buffer has more", async () => {
    const fetch = await batchBytes([plain("as it is")], 0);
    const small = await batchBytes([plain("small")], 0, { compression: 1 });
    for (const bytes of [fetch, small]) {
      const [one] = await openBatches(readRecordBatches(bytes, 0));
      const { buffer } = bytesOf(new BatchRecords([one!], 0));
      expect(buffer.byteLength).toBe(one!.records.length);
    }
  });
});

function bytesOf(records: BatchRecords): Uint8Array {
  const place = new ValuePlace();
  records.locate(0, place);
  return place.bytes;
}
