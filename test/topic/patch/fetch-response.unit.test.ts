import { createRequire } from "node:module";
import { expect, it } from "vitest";
import { fetchWholeBatches } from "../../../src/topic/patch/fetch-response.ts";
import { kafkajsInternals } from "../../../src/topic/patch/kafkajs-internals.ts";
import { RecordBatch } from "../../../src/topic/wire/record-batch.ts";

const load = createRequire(import.meta.url);

type Decoded = { responses: { partitions: { messages: object[] }[] }[] };

const internals = kafkajsInternals();
const { requests } = internals;
fetchWholeBatches(internals);

/** One partition's answer of version 11: a record batch of the records "a" and "b" at offsets 5 and 6. */
async function payload(): Promise<Buffer> {
  const { RecordBatch: encode } = load("tradetape-kafkajs/src/protocol/recordBatch/v0/index.js");
  const Record = load("tradetape-kafkajs/src/protocol/recordBatch/record/v0/index.js");
  const records = ["a", "b"].map((value, offsetDelta) => Record({ offsetDelta, key: null, value }));
  const { buffer } = await encode({ firstOffset: 5, lastOffsetDelta: 1, records });
  const Encoder = load("tradetape-kafkajs/src/protocol/encoder.js");
  const partition = new Encoder().writeInt32(3).writeInt16(0).writeInt64(7).writeInt64(7).writeInt64(0);
  partition.writeInt32(1).writeInt64(9).writeInt64(100).writeInt32(-1).writeBytes(buffer);
  const head = new Encoder().writeInt32(0).writeInt16(0).writeInt32(0).writeInt32(1).writeString("ticks").writeInt32(1);
  return Buffer.concat([head.buffer, partition.buffer]);
}

it("brings whole batches, beside what the answer says else", async () => {
  const { response } = requests.Fetch.protocol({ version: 11 })({ maxWaitTime: 1, topics: [] });
  const fetched = (await response.parse(await response.decode(await payload()))) as Decoded;
  expect(fetched).toMatchObject({
    throttleTime: 0,
    responses: [
      {
        topicName: "ticks",
        partitions: [{ partition: 3, errorCode: 0, highWatermark: "7", preferredReadReplica: -1 }],
      },
    ],
  });
  const [batch] = fetched.responses[0]!.partitions[0]!.messages;
  expect(batch).toBeInstanceOf(RecordBatch);
  expect(batch).toMatchObject({ firstOffset: 5, lastOffset: 6, count: 2, isHidden: false });
});

it("knows no fetch of a version that brings no record batches", () => {
  expect(() => requests.Fetch.protocol({ version: 3 })).toThrow("fetch requests of version 3");
});
