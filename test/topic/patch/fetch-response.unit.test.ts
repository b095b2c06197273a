import { createRequire } from "node:module";
import { expect, it } from "vitest";
import { fetchWholeBatches } from "../../../src/topic/patch/fetch-response.ts";
import { RecordBatch } from "../../../src/topic/wire/record-batch.ts";

const load = createRequire(import.meta.url);

type Decoded = { responses: { partitions: { messages: object[] }[] }[] };
type Send = (call: { request: object; response: { decode(payload: Buffer): Promise<Decoded> } }) => Promise<Decoded>;

/** One partition's answer of version 11: a record batch of the records "a" and "b" at offsets 5 and 6. */
async function payload(): Promise<Buffer> {
  const { RecordBatch: encode } = load("kafkajs/src/protocol/recordBatch/v0/index.js");
  const Record = load("kafkajs/src/protocol/recordBatch/record/v0/index.js");
  const records = ["a", "b"].map((value, offsetDelta) => Record({ offsetDelta, key: null, value }));
  const { buffer } = await encode({ firstOffset: 5, lastOffsetDelta: 1, records });
  const Encoder = load("kafkajs/src/protocol/encoder.js");
  const partition = new Encoder().writeInt32(3).writeInt16(0).writeInt64(7).writeInt64(7).writeInt64(0);
  partition.writeInt32(1).writeInt64(9).writeInt64(100).writeInt32(-1).writeBytes(buffer);
  const head = new Encoder().writeInt32(0).writeInt16(0).writeInt32(0).writeInt32(1).writeString("ticks").writeInt32(1);
  return Buffer.concat([head.buffer, partition.buffer]);
}

/** What a connection of that client makes of the answer: the send beneath hands it to the call's own decoder. */
async function fetchAs(clientId: string): Promise<Decoded> {
  const Connection = load("kafkajs/src/network/connection.js");
  const response = load("kafkajs/src/protocol/requests/fetch/v11/response.js");
  const answer = await payload();
  const connection = Object.create(Connection.prototype, { clientId: { value: clientId } });
  Object.assign(connection, {
    isAuthenticated: () => true,
    failIfNotConnected() {},
    nextCorrelationId: () => 1,
    logDebug() {},
    requestQueue: {
      maybeThrottle() {},
      push: ({ entry }: { entry: { resolve(answered: object): void } }) =>
        entry.resolve({ correlationId: 1, size: answer.length, entry: { apiName: "Fetch" }, payload: answer }),
    },
  });
  const request = {
    apiKey: 1,
    apiVersion: 11,
    apiName: "Fetch",
    encode: async () => new (load("kafkajs/src/protocol/encoder.js"))(),
  };
  return (connection.send as Send)({ request, response });
}

it("brings whole batches to the client that asked for them, beside what the answer says else", async () => {
  fetchWholeBatches("lander");
  const fetched = await fetchAs("lander");
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

it("leaves messages to every other client of the process", async () => {
  fetchWholeBatches("lander");
  const { messages } = (await fetchAs("somebody")).responses[0]!.partitions[0]!;
  expect(messages).toMatchObject([
    { offset: "5", value: Buffer.from("a") },
    { offset: "6", value: Buffer.from("b") },
  ]);
});
