import { createRequire } from "node:module";
import { crc32c } from "@node-rs/crc32";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BatchRecords, batchOf } from "../../../src/topic/fetch/batch-records.ts";
import { NO_BROKERS_TIME, type Records, ValuePlace } from "../../../src/topic/fetch/records.ts";
import { markAborted, RecordBatch, readRecordBatches } from "../../../src/topic/wire/record-batch.ts";
import "../../support/services/plain-kafka.ts";

const load = createRequire(import.meta.url);
const { RecordBatch: encodeBatch } = load("kafkajs/src/protocol/recordBatch/v0/index.js");
const Record = load("kafkajs/src/protocol/recordBatch/record/v0/index.js");
const Decoder = load("kafkajs/src/protocol/decoder.js");
const decodeBatch = load("kafkajs/src/protocol/recordBatch/v0/decoder.js");

interface Sent {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer>>;
  readonly timeMs: number;
}

const BROKERS_TIME_BIT = 0x08;
/** As kafkajs calls it. */
const LOG_APPEND_TIME = 1;

/** A record batch as a broker stores it, by kafkajs's own encoder. */
async function batchBytes(
  sent: readonly Sent[],
  first: number,
  change: { compression?: number; brokersTimeMs?: number } = {},
) {
  const firstTimestamp = sent[0]!.timeMs;
  const records = sent.map(({ key, value, headers, timeMs }, offsetDelta) =>
    Record({ offsetDelta, timestampDelta: timeMs - firstTimestamp, key, value, headers }),
  );
  const lastTime = Math.max(...sent.map(({ timeMs }) => timeMs));
  const { buffer } = await encodeBatch({
    compression: change.compression ?? 0,
    firstOffset: first,
    firstTimestamp,
    maxTimestamp: change.brokersTimeMs ?? lastTime,
    lastOffsetDelta: sent.length - 1,
    records,
  });
  if (change.brokersTimeMs !== undefined) buffer[22] |= BROKERS_TIME_BIT;
  return sealed(buffer as Buffer);
}

/** With the checksum of what it holds now: whoever wrote it meant it so. */
function sealed(batch: Buffer): Buffer {
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17);
  return batch;
}

const list = (records: Records) =>
  Array.from({ length: records.count }, (_, index) => {
    const place = new ValuePlace();
    records.locate(index, place);
    const value = place.start < 0 ? null : Buffer.from(place.bytes.slice(place.start, place.end));
    const { headers, ...record } = records.record(index);
    expect(record.value).toEqual(value);
    return { offset: records.offsetOf(index), timeMs: records.publishedAtMs(index), ...record, headers: headers ?? {} };
  });

/** The same bytes, read by kafkajs. */
async function byKafkajs(bytes: Buffer) {
  const decoder = new Decoder(bytes);
  const all = [];
  while (decoder.canReadBytes(61)) all.push(...(await decodeBatch(decoder)).records);
  return all.map(({ offset, timestamp, key, value, headers, batchContext }) => ({
    offset: Number(offset),
    timeMs: batchContext.timestampType === LOG_APPEND_TIME ? Number(timestamp) : NO_BROKERS_TIME,
    key,
    value,
    headers,
  }));
}

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
    const one = (brokersTimeMs?: number) =>
      batchBytes([{ key: null, value: null, headers: {}, timeMs: 1 }], 0, brokersTimeMs ? { brokersTimeMs } : {});
    const isBrokersTime = async (...parts: readonly Buffer[]) => {
      const batches = await readRecordBatches(Buffer.concat(parts));
      const range = { topicName: "ticks", partition: 0, fetchedOffset: 0, nextOffset: 2, logEnd: 2 };
      return batchOf({ ...range, batches }).isBrokersTime;
    };
    expect(await isBrokersTime(await one(5), await one(6))).toBe(true);
    expect(await isBrokersTime(await one(5), await one())).toBe(false);
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
        const batches = await readRecordBatches(all);
        expect(batches.map(({ firstOffset, lastOffset, count }) => [firstOffset, lastOffset, count])).toEqual([
          [offset, offset + one.length - 1, one.length],
          [offset + one.length, offset + one.length + two.length - 1, two.length],
        ]);
        expect(list(new BatchRecords(batches, 0))).toEqual(await byKafkajs(all));
      }),
      { numRuns: 40 },
    );
  });

  const plain = (text: string): Sent => ({
    key: null,
    value: Buffer.from(text),
    headers: {},
    timeMs: 1_700_000_000_000,
  });

  it("leaves a batch that is cut off to the next fetch", async () => {
    const whole = await batchBytes([plain("a"), plain("b")], 5);
    const all = Buffer.concat([whole, await batchBytes([plain("c")], 7)]);
    for (let cut = whole.length; cut < all.length; cut++) {
      expect((await readRecordBatches(all.subarray(0, cut))).map(({ lastOffset }) => lastOffset)).toEqual([6]);
    }
  });

  it("leaves out what lies below the offset that was fetched", async () => {
    const batches = await readRecordBatches(await batchBytes(["a", "b", "c", "d"].map(plain), 10));
    expect(list(new BatchRecords(batches, 12)).map(({ offset, value }) => `${offset}${value}`)).toEqual(["12c", "13d"]);
  });

  it("keeps all values of a header that comes twice, as kafkajs does", async () => {
    const twice = {
      ...plain("a"),
      headers: { h: [Buffer.from("1"), Buffer.from("2")], toString: Buffer.from("3") } as never,
    };
    const [record] = list(new BatchRecords(await readRecordBatches(await batchBytes([twice], 0)), 0));
    expect(record!.headers).toEqual({ h: [Buffer.from("1"), Buffer.from("2")], toString: Buffer.from("3") });
  });

  it("is no fetch when a record claims more bytes than its batch has", async () => {
    const damaged = await batchBytes([plain("a")], 5);
    damaged[61] = 0x7e;
    const batches = await readRecordBatches(sealed(damaged));
    expect(() => new BatchRecords(batches, 0)).toThrow("the record at offset 5 is damaged");
  });

  it.each([
    ["more records than its bytes can be", 2 ** 24, "16777216 records"],
    ["fewer than none", -1, "-1 records"],
    ["fewer records than there are", 1, "bytes behind its 1 records"],
  ])("is no fetch when a batch tells of %s", async (_, count, message) => {
    const damaged = await batchBytes([plain("a"), plain("b")], 5);
    damaged.writeInt32BE(count, 57);
    const batches = await readRecordBatches(sealed(damaged));
    expect(() => new BatchRecords(batches, 0)).toThrow(`the record batch at offset 5 is damaged: ${message}`);
  });

  it("ends when a record tells of more headers than it has", async () => {
    const damaged = await batchBytes([plain("a")], 5);
    damaged[damaged.length - 1] = 0x7e;
    const records = new BatchRecords(await readRecordBatches(sealed(damaged)), 0);
    expect(() => records.record(0)).toThrow("headers are damaged");
  });

  it.each([
    ["of an older format", 16, 1, "its format is 1, not 2"],
    ["whose length ends within its header", 11, 0, "ends at byte 12"],
    ["of a codec that nobody knows", 22, 7, "its codec is 7"],
    ["that its codec can't make sense of", 22, 3, "lz4: not a frame"],
  ])("refuses a batch %s, and says that no other fetch of it will do", async (_, at, byte, message) => {
    const bent = await batchBytes([plain("a")], 5);
    bent[at] = byte;
    const error: unknown = await readRecordBatches(sealed(bent)).catch((e: unknown) => e);
    expect(error).toMatchObject({
      retriable: false,
      message: expect.stringContaining("batch at offset 5 can't be read"),
    });
    expect((error as Error).message).toContain(message);
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
      await expect(readRecordBatches(bent), `bit ${bit}`).rejects.toThrow("its checksum is another");
    }
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
    const KafkajsBatch = load("kafkajs/src/consumer/batch.js");
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
