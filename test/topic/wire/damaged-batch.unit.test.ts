import { describe, expect, it } from "vitest";
import { batchOf } from "../../../src/topic/fetch/batch-of.ts";
import { openBatches } from "../../../src/topic/fetch/open-batches.ts";
import { readRecordBatches } from "../../../src/topic/wire/read-batches.ts";
import { batchBytes, plain, sealed } from "./batch-bytes.ts";

describe("a record batch that isn't as the log should have it", () => {
  it.each([
    ["of an older format", 16, 1, "its format is 1, not 2"],
    ["whose length ends within its header", 11, 0, "ends at byte 12"],
    ["that ends before it begins", 23, 0x80, "it covers -2147483647 offsets"],
  ])("has no records of a batch %s, and names what can be accepted as lost", async (_, at, byte, message) => {
    const bent = await batchBytes([plain("a")], 5);
    bent[at] = byte;
    const before = await batchBytes([plain("before")], 4);
    const behind = await batchBytes([plain("behind")], 7);
    expect(readRecordBatches(Buffer.concat([before, sealed(bent), behind]), 4)).toHaveLength(1);
    const batches = readRecordBatches(Buffer.concat([sealed(bent), behind]), 5);
    const range = { topicName: "live.ticks", partition: 3, fetchedOffset: 5, nextOffset: 99, logEnd: 99 };
    const damaged = batchOf({ ...range, batches });
    expect(batches).toHaveLength(1);
    const end = at === 11 ? 6 : 7;
    expect(damaged).toMatchObject({ fetchedOffset: 5, nextOffset: end, missing: 0 });
    expect(() => damaged.records).toThrow(
      expect.objectContaining({
        code: "batch_unreadable",
        message: expect.stringContaining(`live.ticks/3: the record batch at offsets 5 to ${end - 1} can't be read: `),
        next: expect.stringContaining(`\`tradetape consume --accept-loss ticks/3:5..${end} --reason WHY\``),
      }),
    );
    expect(() => damaged.records).toThrow(message);
  });

  it("takes one that is cut off for damaged where nothing is before it: the next fetch would bring the same", async () => {
    const whole = await batchBytes([plain("a"), plain("b")], 5);
    expect(readRecordBatches(whole.subarray(0, 0), 5)).toEqual([]);
    for (let cut = 1; cut < whole.length; cut++) {
      const batches = readRecordBatches(whole.subarray(0, cut), 6);
      expect(batches.map(({ damage }) => damage)).toEqual([
        expect.stringContaining(`cut off at byte ${cut} of itself`),
      ]);
      const range = { topicName: "ticks", partition: 3, fetchedOffset: 6, nextOffset: 99, logEnd: 7 };
      expect(batchOf({ ...range, batches })).toMatchObject({ fetchedOffset: 6, nextOffset: 7, isDamaged: true });
    }
  });

  it("takes one for damaged whose offsets aren't behind the one before, or don't hold what was asked for", async () => {
    const at = (offset: number) => batchBytes([plain("a"), plain("b")], offset);
    const good = await at(5);
    for (const offset of [0, 5, 6, 2 ** 53, -3]) {
      const misplaced = Buffer.from(good);
      misplaced.writeBigInt64BE(BigInt(offset), 0);
      const firsts = (bytes: Buffer, from: number) =>
        readRecordBatches(bytes, from).map(({ firstOffset, damage }) => damage ?? firstOffset);
      expect(firsts(Buffer.concat([good, misplaced, await at(7)]), 5)).toEqual([5]);
      const range = { topicName: "ticks", partition: 3, fetchedOffset: 8, nextOffset: 99, logEnd: 9 };
      const batches = readRecordBatches(Buffer.concat([misplaced, await at(9)]), 8);
      expect(batchOf({ ...range, batches })).toMatchObject({ nextOffset: 9, isDamaged: true });
    }
  });

  it("keeps the offset of a batch that nobody can read, however many it covers", async () => {
    const wide = await batchBytes([plain("a")], 5);
    wide.writeInt32BE(2 ** 31 - 1, 23);
    wide.writeUInt8(7, 22);
    const batches = await openBatches(readRecordBatches(sealed(wide), 5));
    const range = { topicName: "ticks", partition: 3, fetchedOffset: 5, nextOffset: 5 + 2 ** 31, logEnd: 5 + 2 ** 31 };
    const batch = batchOf({ ...range, batches });
    expect(batch.records.faultAt(0)).toContain("its codec is 7, unknown here");
    expect([batch.records.offsetOf(0), batch.missing]).toEqual([5 + 2 ** 31 - 1, 0]);
  });
});

describe("a record batch with one bit turned", () => {
  it("is refused wherever the bit is, down to a price's last digit", async () => {
    const price = Buffer.alloc(8);
    price.writeDoubleBE(41.37);
    const whole = await batchBytes([{ key: null, value: price, headers: {}, timeMs: 1_700_000_000_000 }], 5);
    for (let bit = 17 * 8; bit < whole.length * 8; bit++) {
      const bent = Buffer.from(whole);
      bent[bit >> 3]! ^= 1 << (bit & 7);
      const [batch] = readRecordBatches(bent, 5);
      expect(batch!.damage, `bit ${bit}`).toContain("its checksum is another");
    }
  });
});
