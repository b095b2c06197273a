import { createRequire } from "node:module";
import { crc32c } from "@node-rs/crc32";
import { describe, expect, it, vi } from "vitest";
import { kafkajsInternals } from "../../../src/topic/patch/kafkajs-internals.ts";
import { produceWholeBatches, WholeMessage } from "../../../src/topic/patch/produce-request.ts";
import { RecordWriter } from "../../../src/topic/wire/record-writer.ts";
import fc from "../../support/random/fast-check.ts";

const load = createRequire(import.meta.url);
const { requests } = load("tradetape-kafkajs/src/protocol/requests/index.js");
produceWholeBatches(kafkajsInternals());
const NOW = 1_700_000_000_123;

type Value = Buffer | string;
type Sent = { key: Buffer | null; value: Buffer | null; headers: Record<string, Value | Value[]> };

/** A produce request's bytes, by the version of the protocol that Kafka 4 and kafkajs agree on. */
async function requestOf(messages: readonly object[], others: readonly object[] = []): Promise<Buffer> {
  vi.useFakeTimers({ now: NOW, toFake: ["Date"] });
  try {
    const topicData = [{ topic: "ticks", partitions: [{ partition: 3, messages }, ...others] }];
    const { request } = requests.Produce.protocol({ version: 7 })({
      acks: -1,
      timeout: 30_000,
      topicData,
      producerId: -1,
    });
    return (await request.encode()).buffer;
  } finally {
    vi.useRealTimers();
  }
}

function whole(sent: readonly Sent[]): WholeMessage {
  const records = new RecordWriter(16);
  for (const { key, value, headers } of sent) records.add(key, value, headers);
  return new WholeMessage(3, records);
}

/** Where a request of the topic "ticks" tells how many partitions follow. */
const PARTITIONS_AT = 2 + 2 + 4 + 4 + 7;

/** kafkajs gives a batch without idempotence epoch and sequence 0 where other clients have -1; its bytes, else as they are. */
function withoutProducer(request: Buffer): string {
  const plain = Buffer.from(request);
  for (let at = PARTITIONS_AT + 4; at < plain.length; at += 8 + plain.readInt32BE(at + 4)) {
    const start = at + 8;
    plain
      .fill(0, start + 12, start + 16)
      .fill(0, start + 17, start + 21)
      .fill(0, start + 51, start + 57);
  }
  return plain.toString("hex");
}

const bytes = (maxLength: number) => fc.uint8Array({ maxLength, size: "max" }).map((array) => Buffer.from(array));
const header = fc.oneof(bytes(70), fc.string({ unit: "grapheme" }));
const sent: fc.Arbitrary<Sent> = fc.record({
  key: fc.option(bytes(70)),
  value: fc.option(bytes(300)),
  headers: fc.dictionary(
    fc.string({ unit: "grapheme", maxLength: 70 }).filter((name) => !(name in {})),
    fc.oneof(header, fc.array(header, { maxLength: 3 })),
    { maxKeys: 3 },
  ),
});

describe("a produce request of whole batches", () => {
  it("is what kafkajs makes of the same messages", async () => {
    const same = async (list: Sent[]) => {
      const own = await requestOf([whole(list)]);
      expect(withoutProducer(own)).toBe(withoutProducer(await requestOf(list)));
    };
    await fc.assert(fc.asyncProperty(fc.array(sent, { minLength: 1, maxLength: 80, size: "max" }), same), {
      numRuns: 30,
    });
  });

  it("carries its own checksum over what follows it", async () => {
    const request = await requestOf([whole([{ key: null, value: Buffer.from("a"), headers: {} }])]);
    const batch = request.subarray(request.length - request.readInt32BE(2 + 2 + 4 + 4 + 7 + 4 + 4));
    expect(batch.readUInt32BE(17)).toBe(crc32c(batch.subarray(21)));
  });

  it("is what kafkajs makes of several partitions' messages", async () => {
    const list: Sent[] = [{ key: Buffer.from("k"), value: Buffer.from("a"), headers: {} }];
    const own = await requestOf([whole(list)], [{ partition: 4, messages: [whole([...list, ...list])] }]);
    const kafkajs = await requestOf(list, [{ partition: 4, messages: [...list, ...list] }]);
    expect(own.readInt32BE(PARTITIONS_AT)).toBe(2);
    expect(withoutProducer(own)).toBe(withoutProducer(kafkajs));
  });

  it("is answered for by the partitions that took theirs, and fails where none did", async () => {
    const partitions = [3, 4].map((partition) => ({
      partition,
      messages: [whole([{ key: null, value: Buffer.from("a"), headers: {} }])],
    }));
    const data = { acks: -1, timeout: 1, topicData: [{ topic: "ticks", partitions }] };
    const { response } = requests.Produce.protocol({ version: 7 })(data);
    const notLeader = 6;
    const answer = (...codes: number[]) => ({
      topics: [{ topicName: "ticks", partitions: codes.map((errorCode, n) => ({ partition: n + 3, errorCode })) }],
    });
    expect(await response.parse(answer(0, 0))).toEqual(answer(0, 0));
    expect(await response.parse(answer(0, notLeader))).toEqual(answer(0));
    await expect(response.parse(answer(notLeader, notLeader))).rejects.toMatchObject({
      type: "NOT_LEADER_FOR_PARTITION",
    });
  });

  it("is never mixed with messages that kafkajs has to encode", async () => {
    const one = whole([{ key: null, value: Buffer.from("a"), headers: {} }]);
    const other = { partition: 4, messages: [{ key: null, value: Buffer.from("b") }] };
    await expect(requestOf([one], [other])).rejects.toThrow("beside something else");
  });

  it("is refused by kafkajs's own encoder rather than taken for one message", async () => {
    const encode = load("tradetape-kafkajs/src/protocol/requests/produce/v7/request.js");
    const messages = [whole([{ key: null, value: Buffer.from("a"), headers: {} }])];
    const topicData = [{ topic: "ticks", partitions: [{ partition: 3, messages }] }];
    await expect(encode({ acks: -1, timeout: 1, topicData }).encode()).rejects.toThrow("no longer asks");
  });
});
