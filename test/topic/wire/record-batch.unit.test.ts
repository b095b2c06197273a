import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { describe, expect, it } from "vitest";
import { batchOf } from "../../../src/topic/fetch/batch-of.ts";
import { BatchRecords } from "../../../src/topic/fetch/batch-records.ts";
import { openBatches } from "../../../src/topic/fetch/open-batches.ts";
import { markAborted } from "../../../src/topic/wire/aborted.ts";
import { readRecordBatches } from "../../../src/topic/wire/read-batches.ts";
import { RecordBatch } from "../../../src/topic/wire/record-batch.ts";
import fc from "../../support/random/fast-check.ts";
import { batchBytes, byKafkajs, list, plain, type Sent, sealed } from "./batch-bytes.ts";

const MIB = 1024 * 1024;
const bytes = fc.uint8Array({ maxLength: 200, size: "max" }).map((array) => Buffer.from(array));
/** kafkajs takes what an object inherits ("valueOf") for a header's first value. */
const isPlain = (name: string) => !(name in {});
const sent: fc.Arbitrary<Sent> = fc.record({
  key: fc.option(bytes),
  value: fc.option(bytes),
  headers: fc.dictionary(fc.string({ unit: "grapheme", maxLength: 9 }).filter(isPlain), bytes, { maxKeys: 3 }),
  timeMs: fc.integer({ min: 1_700_000_000_000, max: 1_800_000_000_000 }),
});

describe("reading record batches", () => {
  it("tells of a fetch whether the broker set all of its times", async () => {
    const one = (first: number, brokersTimeMs?: number) =>
      batchBytes([{ key: null, value: null, headers: {}, timeMs: 1 }], first, brokersTimeMs ? { brokersTimeMs } : {});
    const isBrokersTime = async (...parts: readonly Buffer[]) => {
      const batches = readRecordBatches(Buffer.concat(parts), 0);
      const range = { topicName: "ticks", partition: 0, fetchedOffset: 0, nextOffset: 2, logEnd: 2 };
      return batchOf({ ...range, batches }).isBrokersTime;
    };
    expect(await isBrokersTime(await one(0, 5), await one(1, 6))).toBe(true);
    expect(await isBrokersTime(await one(0, 5), await one(1))).toBe(false);
  });

  it("gives what kafkajs gives but for producers' times, for any records, times and codecs", async () => {
    const some = fc.array(sent, { minLength: 1, maxLength: 8 });
    const first = fc.integer({ min: 0, max: 2 ** 40 });
    const compression = fc.integer({ min: 0, max: 4 });
    const brokersTimeMs = fc.option(fc.integer({ min: 1_700_000_000_000, max: 1_800_000_000_000 }), { nil: undefined });
    await fc.assert(
      fc.asyncProperty(some, some, first, compression, brokersTimeMs, async (one, two, offset, codec, time) => {
        const change = { compression: codec, ...(time === undefined ? {} : { brokersTimeMs: time }) };
        const all = Buffer.concat([
          await batchBytes(one, offset, change),
          await batchBytes(two, offset + one.length, change),
        ]);
        const batches = await openBatches(readRecordBatches(all, offset));
        expect(batches.map(({ firstOffset, lastOffset, count }) => [firstOffset, lastOffset, count])).toEqual([
          [offset, offset + one.length - 1, one.length],
          [offset + one.length, offset + one.length + two.length - 1, two.length],
        ]);
        expect(list(new BatchRecords(batches, 0))).toEqual(await byKafkajs(all));
      }),
      { numRuns: 40 },
    );
  });

  it("leaves a batch that is cut off to the next fetch", async () => {
    const whole = await batchBytes([plain("a"), plain("b")], 5);
    const all = Buffer.concat([whole, await batchBytes([plain("c")], 7)]);
    for (let cut = whole.length; cut < all.length; cut++) {
      expect(readRecordBatches(all.subarray(0, cut), 5).map(({ lastOffset }) => lastOffset)).toEqual([6]);
    }
  });

  it("leaves out what lies below the offset that was fetched", async () => {
    const batches = await readRecordBatches(await batchBytes(["a", "b", "c", "d"].map(plain), 10), 12);
    expect(list(new BatchRecords(batches, 12)).map(({ offset, value }) => `${offset}${value}`)).toEqual(["12c", "13d"]);
  });

  it("keeps all values of a header that comes twice, as kafkajs does", async () => {
    const twice = {
      ...plain("a"),
      headers: { h: [Buffer.from("1"), Buffer.from("2")], toString: Buffer.from("3") } as never,
    };
    const [record] = list(new BatchRecords(await readRecordBatches(await batchBytes([twice], 0), 0), 0));
    expect(record!.headers).toEqual({ h: [Buffer.from("1"), Buffer.from("2")], toString: Buffer.from("3") });
  });

  /** Bends a batch of two records at offset 5 that lies between two good ones, and keeps its checksum right. */
  async function fetchedWith(bend: (batch: Buffer) => unknown, fetchedOffset = 4) {
    const bent = await batchBytes([plain("a"), plain("b")], 5);
    bend(bent);
    const before = fetchedOffset > 4 ? Buffer.alloc(0) : await batchBytes([plain("before")], 4);
    const parts = [before, sealed(bent), await batchBytes([plain("behind")], 7)];
    const range = { topicName: "ticks", partition: 0, fetchedOffset, nextOffset: 8, logEnd: 8 };
    return {
      bent,
      batch: batchOf({ ...range, batches: await openBatches(readRecordBatches(Buffer.concat(parts), fetchedOffset)) }),
    };
  }

  const RECORDS_AT = 61;
  /** What a producer that makes its batches by itself can do to a batch of two records of eight bytes each. */
  const BENT: readonly [what: string, bend: (batch: Buffer) => unknown, why: string][] = [
    ["a codec that nobody knows", (b) => b.writeUInt8(7, 22), "its codec is 7, unknown here"],
    ["more records than its bytes can be", (b) => b.writeInt32BE(2 ** 20, 57), "it can't hold 1048576 records"],
    ["more records than any has", (b) => b.writeInt32BE(2 ** 20 + 1, 57), "1048577 records, more than 1048576"],
    ["fewer records than none", (b) => b.writeInt32BE(-1, 57), "it can't hold -1 records"],
    ["fewer records than there are", (b) => b.writeInt32BE(1, 57), "bytes behind its 1 records"],
    ["a record of more bytes than it has", (b) => b.writeUInt8(0x7e, RECORDS_AT), "the record at offset 5 is damaged"],
    ["a record of a negative length", (b) => b.writeUInt8(0x01, RECORDS_AT), "the record at offset 5 is damaged"],
    ["a record whose number has no end", (b) => b.fill(0xff, RECORDS_AT), "is damaged"],
    ["a key longer than its record", (b) => b.writeUInt8(0x7e, RECORDS_AT + 4), "the record at offset 5 is damaged"],
    ["a value longer than its record", (b) => b.writeUInt8(0x7e, RECORDS_AT + 5), "the record at offset 5 is damaged"],
    ["more headers than it has", (b) => b.writeUInt8(0x7e, b.length - 1), "the headers of a record are damaged"],
    ["fewer headers than none", (b) => b.writeUInt8(0x01, b.length - 1), "the headers of a record are damaged"],
    ["a record before its first", (b) => b.writeUInt8(0x01, RECORDS_AT + 3), "a record of it is at offset 4"],
    ["a record behind its last", (b) => b.writeUInt8(0x7e, RECORDS_AT + 3), "a record of it is at offset 68"],
    ["two records at one offset", (b) => b.writeUInt8(0x02, RECORDS_AT + 3), "a record of it is at offset 6"],
  ];

  it.each(BENT)("gives, of a batch with %s, one record that says so, and its neighbours", async (_, bend, why) => {
    const { bent, batch } = await fetchedWith(bend);
    const { records } = batch;
    expect(list(records).map(({ offset, value }) => [offset, value && String(value)])).toEqual([
      [4, "before"],
      [6, null],
      [7, "behind"],
    ]);
    expect([0, 1, 2].map((index) => records.faultAt(index) !== undefined)).toEqual([false, true, false]);
    const digest = createHash("sha256").update(bent).digest("hex");
    expect(records.faultAt(1)).toContain(`offsets 5 to 6, ${bent.length} bytes of sha256 ${digest}: `);
    expect(records.faultAt(1)).toContain(why);
    expect(batch.missing).toBe(0);
  });

  it("gives its last record also where the fetch begins amid its batch", async () => {
    const { batch } = await fetchedWith((b) => b.writeInt32BE(1, 57), 6);
    expect(list(batch.records).map(({ offset }) => offset)).toEqual([6, 7]);
    expect(batch.records.faultAt(0)).toContain("offsets 5 to 6");
    expect(batch.missing).toBe(0);
  });

  it("leaves what lies behind one that its codec can't make sense of to the next fetch, as that may have grown far", async () => {
    const { batch } = await fetchedWith((b) => b.writeUInt8(3, 22));
    expect(list(batch.records).map(({ offset }) => offset)).toEqual([4, 6]);
    expect(batch.records.faultAt(1)).toContain("lz4: not a frame");
  });

  it("leaves to the next fetch what would grow further than one fetch may, but for one batch", async () => {
    const zeros = (offset: number) =>
      batchBytes([{ ...plain(""), value: Buffer.alloc(40 * MIB) }], offset, { compression: 1 });
    const all = Buffer.concat([await zeros(0), await zeros(1), await zeros(2)]);
    expect(await openBatches(readRecordBatches(all, 0))).toHaveLength(1);
  });

  it.each([1, 4])("gives nothing of a batch that grows further than any may: codec %i", async (codec) => {
    const zeros = await batchBytes([{ ...plain(""), value: Buffer.alloc(65 * MIB) }], 0, { compression: codec });
    expect(zeros.length).toBeLessThan(MIB);
    const [batch] = await openBatches(readRecordBatches(zeros, 0));
    expect(batch!.fault).toContain("offsets 0 to 0");
    expect(batch!.records.length).toBeLessThan(20);
  });
});

describe("transactions that were given up", () => {
  const header = (first: number, last: number, producerId: number, attributes: number) => {
    const bytes = Buffer.alloc(61);
    bytes.writeBigInt64BE(BigInt(first), 0);
    bytes.writeInt16BE(attributes, 21);
    bytes.writeInt32BE(last - first, 23);
    bytes.writeBigInt64BE(BigInt(producerId), 43);
    return bytes;
  };
  const TRANSACTION = 0x10;
  const CONTROL = 0x30;
  const data = (first: number, last: number, producer: number) =>
    new RecordBatch(header(first, last, producer, TRANSACTION), Buffer.alloc(0));
  const end = (offset: number, producer: number) =>
    new RecordBatch(header(offset, offset, producer, CONTROL), Buffer.alloc(0));
  const hidden = (batches: readonly RecordBatch[]) => batches.filter((b) => b.isHidden).map((b) => b.firstOffset);

  it("are hidden up to their marker, and no other producer's records with them", () => {
    const batches = [data(0, 2, 1), data(3, 4, 2), data(5, 5, 1), end(6, 1), data(7, 8, 1), end(9, 1), end(10, 2)];
    markAborted(batches, [{ producerId: 1n, firstOffset: 0 }]);
    expect(hidden(batches)).toEqual([0, 5, 6, 9, 10]);
  });

  it("are all hidden where a fetch begins amid several of them", () => {
    const batches = [data(20, 22, 2), data(23, 24, 1), end(25, 1), end(26, 2)];
    markAborted(batches, [
      { producerId: 1n, firstOffset: 3 },
      { producerId: 2n, firstOffset: 7 },
    ]);
    expect(hidden(batches)).toEqual([20, 23, 25, 26]);
  });

  it("hide no records that were never in a transaction", () => {
    const plain = new RecordBatch(header(1, 2, 1, 0), Buffer.alloc(0));
    const batches = [data(0, 0, 1), plain];
    markAborted(batches, [{ producerId: 1n, firstOffset: 0 }]);
    expect(hidden(batches)).toEqual([0]);
  });

  it("are covered by a fetch of nothing else, with what is missing before them", () => {
    const KafkajsBatch = createRequire(import.meta.url)("kafkajs/src/consumer/batch.js");
    const body = Buffer.from([14, 0, 0, 0, 1, 1, 0, 0]);
    const bytes = header(15, 15, 1, CONTROL);
    bytes.writeInt32BE(1, 57);
    const messages = [new RecordBatch(bytes, body)];
    const fetched = new KafkajsBatch("ticks", "10", {
      partition: 3,
      highWatermark: "16",
      abortedTransactions: [],
      messages,
    });
    expect(fetched.isEmpty()).toBe(false);
    const nextOffset = Number(fetched.lastOffset()) + 1;
    const range = { topicName: "ticks", partition: 3, fetchedOffset: 10, nextOffset, logEnd: 16 };
    const { records, missing } = batchOf({ ...range, batches: fetched.messagesWithinOffset });
    expect([records.count, nextOffset, missing]).toEqual([0, 16, 5]);
  });

  it("are not hidden before they begin", () => {
    const batches = [data(0, 2, 1), end(3, 1), data(4, 5, 1), end(6, 1)];
    markAborted(batches, [{ producerId: 1n, firstOffset: 4 }]);
    expect(hidden(batches)).toEqual([3, 4, 6]);
  });
});
