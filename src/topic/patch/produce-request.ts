import { crc32c } from "@node-rs/crc32";
import type { RecordWriter } from "../wire/record-writer.ts";
import type { Internals, ProduceAnswer, ProduceData, RequestEncoder } from "./kafkajs-internals.ts";

/** From 3 on a produce request carries record batches; up to 8 its fields are these. */
const VERSION_MIN = 3;
const VERSION_MAX = 8;

/** All records of one produce request, in the place of a message of kafkajs's. */
export class WholeMessage {
  readonly partition: number;
  readonly key = null;
  readonly value: Buffer;
  readonly records: RecordWriter;
  /** Throws, because only kafkajs's own encoder asks for headers, and that would take the records for one message's value. */
  readonly headers!: never;

  constructor(partition: number, records: RecordWriter) {
    this.partition = partition;
    this.records = records;
    this.value = records.bytes;
    Object.defineProperty(this, "headers", {
      enumerable: true,
      get() {
        throw new Error("kafkajs no longer asks for a produce request by its protocol");
      },
    });
  }
}

/** Lets a WholeMessage be published as the records that it holds. Other messages are left to kafkajs's own encoder. */
export function produceWholeBatches({ requests, Encoder: KafkaEncoder }: Internals): void {
  const { protocol } = requests.Produce;
  requests.Produce.protocol = ({ version }) => {
    const produce = protocol({ version });
    return (data) => {
      const call = produce(data);
      if (!isWhole(data)) return call;
      if (version < VERSION_MIN || version > VERSION_MAX) throw new Error(`produce requests of version ${version}`);
      call.request.encode = async () => encodeRequest(new KafkaEncoder(), data);
      const { decode, parse } = call.response;
      return { ...call, response: { decode, parse: (answer) => parse(goodPart(answer)) } };
    };
  };
}

/**
 * Leaves refused partitions out of an answer that has others, because kafkajs would take one partition's error for the
 * whole request's and send all of it again, doubling what is in the log. Who asked sees that a partition is missing. An
 * answer of errors only stays as it is.
 */
function goodPart(answer: ProduceAnswer): ProduceAnswer {
  const topics = answer.topics.map(({ topicName, partitions }) => ({
    topicName,
    partitions: partitions.filter(({ errorCode }) => errorCode === 0),
  }));
  return topics.some(({ partitions }) => partitions.length > 0) ? { ...answer, topics } : answer;
}

const isWhole = ({ topicData }: ProduceData): boolean =>
  topicData.some(({ partitions }) => partitions.some(({ messages }) => messages[0] instanceof WholeMessage));

/** Kafka's documentation, "Produce API". A request of ours is of one topic, with one batch per partition. */
function encodeRequest(encoder: RequestEncoder, { acks, timeout, topicData }: ProduceData): RequestEncoder {
  const [{ topic, partitions } = NO_TOPIC, ...others] = topicData;
  if (others.length > 0) throw mixed();
  encoder.writeString(null).writeInt16(acks).writeInt32(timeout).writeInt32(1).writeString(topic);
  encoder.writeInt32(partitions.length);
  const nowMs = Date.now();
  for (const { partition, messages } of partitions) {
    const [whole] = messages;
    if (messages.length > 1 || !(whole instanceof WholeMessage)) throw mixed();
    const batch = recordBatch(whole.records, nowMs);
    encoder.writeInt32(partition).writeInt32(batch.length).writeBuffer(batch);
  }
  return encoder;
}

const mixed = (): Error => new Error("a produce request of whole batches beside something else");
const NO_TOPIC = { topic: "", partitions: [] };

const HEADER_BYTES = 61;
const MAGIC = 2;
/** What the batch's length and its checksum cover begins here. */
const LENGTH_FROM = 12;
const CHECKSUM_FROM = 21;

/** A record batch of these records, without idempotence and uncompressed (Kafka's documentation, "Record Batch"). */
export function recordBatch(records: RecordWriter, timeMs: number): Buffer {
  const { bytes, count } = records;
  const batch = Buffer.allocUnsafeSlow(HEADER_BYTES + bytes.length);
  batch.fill(0, 0, HEADER_BYTES);
  batch.writeInt32BE(batch.length - LENGTH_FROM, 8);
  batch[16] = MAGIC;
  batch.writeInt32BE(count - 1, 23);
  batch.writeBigInt64BE(BigInt(timeMs), 27);
  batch.writeBigInt64BE(BigInt(timeMs), 35);
  // No producer id, and with it no epoch and no sequence.
  batch.fill(0xff, 43, 57);
  batch.writeInt32BE(count, 57);
  batch.set(bytes, HEADER_BYTES);
  batch.writeUInt32BE(crc32c(batch.subarray(CHECKSUM_FROM)), 17);
  return batch;
}
