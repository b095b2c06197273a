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

const ASKED = { topics: [{ topic: "ticks", partitions: [{ partition: 3, fetchOffset: "5" }] }] };

it("brings whole batches, beside what the answer says else", async () => {
  const { response } = requests.Fetch.protocol({ version: 11 })(ASKED);
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

it("says of which topics an error is, those of the first one's kind", async () => {
  const { response } = requests.Fetch.protocol({ version: 11 })(ASKED);
  const [DENIED, NOT_LEADER] = [29, 6];
  const answerOf = (...topics: readonly [string, ...number[]][]) => ({
    responses: topics.map(([topicName, ...codes]) => ({
      topicName,
      partitions: codes.map((errorCode, partition) => ({ partition, errorCode })),
    })),
  });
  const answer = answerOf(["ticks", 0, 0], ["bars", 0, DENIED], ["fills", NOT_LEADER], ["quotes", DENIED, DENIED]);
  await expect(response.parse(answer)).rejects.toMatchObject({
    type: "TOPIC_AUTHORIZATION_FAILED",
    topics: ["bars", "quotes"],
  });
  await expect(response.parse(answerOf(["ticks", 0], ["bars", 0, 0]))).resolves.toBeDefined();
});

it("knows no fetch of a version that brings no record batches", () => {
  expect(() => requests.Fetch.protocol({ version: 3 })).toThrow("fetch requests of version 3");
});

/** Where the fields of `payload` are, each bent to what no answer has. */
const GARBLED: readonly [what: string, bend: (bytes: Buffer) => Buffer, why: string][] = [
  ["a topic's name of a negative length", (b) => bent(b, (all) => all.writeInt16BE(-20, 14)), "of -20 bytes"],
  ["a topic's name longer than itself", (b) => bent(b, (all) => all.writeInt16BE(30_000, 14)), "of 30000 bytes"],
  ["more topics than it has", (b) => bent(b, (all) => all.writeInt32BE(2 ** 31 - 1, 10)), "a field of"],
  ["more partitions than it has", (b) => bent(b, (all) => all.writeInt32BE(2 ** 31 - 1, 21)), "a field of"],
  ["fewer partitions than it has", (b) => bent(b, (all) => all.writeInt32BE(-5, 21)), "bytes behind its end"],
  ["a partition that nobody asked for", (b) => bent(b, (all) => all.writeInt32BE(4, 25)), "ticks/4 was not asked for"],
  ["a topic that nobody asked for", (b) => bent(b, (all) => all.write("T", 16)), "Ticks/3 was not asked for"],
  ["more aborted transactions than it has", (b) => bent(b, (all) => all.writeInt32BE(2 ** 30, 55)), "a field of 8"],
  ["batches of more bytes than it has", (b) => bent(b, (all) => all.writeInt32BE(2 ** 31 - 1, 79)), "a field of"],
  ["bytes behind its end", (b) => Buffer.concat([b, Buffer.alloc(3)]), "3 bytes behind its end"],
];

function bent(bytes: Buffer, change: (bytes: Buffer) => unknown): Buffer {
  change(bytes);
  return bytes;
}

it.each(GARBLED)("is an outage where it has %s", async (_, bend, why) => {
  const { response } = requests.Fetch.protocol({ version: 11 })(ASKED);
  const decoded = response.decode(bend(await payload()));
  await expect(decoded).rejects.toMatchObject({ name: "KafkaJSConnectionError", retriable: true });
  await expect(decoded).rejects.toThrow(`the answer to a fetch can't be read: `);
  await expect(decoded).rejects.toThrow(why);
});

it("is an outage wherever it is cut off", async () => {
  const whole = await payload();
  for (let cut = 0; cut < whole.length; cut++) {
    const { response } = requests.Fetch.protocol({ version: 11 })(ASKED);
    await expect(response.decode(whole.subarray(0, cut)), `${cut} bytes`).rejects.toThrow("a field of");
  }
});
