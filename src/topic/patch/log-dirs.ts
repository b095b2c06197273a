import type { Kafka } from "tradetape-kafkajs";
import type { AnswerDecoder, Internals, RequestEncoder } from "./kafkajs-internals.ts";

/** A broker as its cluster knows it. */
interface Broker {
  readonly connectionPool: { send(call: object): Promise<unknown> };
}

/** What of kafkajs's cluster is used. */
interface Cluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  metadata(of: { topics: readonly string[] }): Promise<{ readonly brokers: readonly { readonly nodeId: number }[] }>;
  findBroker(of: { nodeId: string }): Promise<Broker>;
}

interface Size {
  readonly topicName: string;
  readonly bytes: number;
}

/** kafkajs's own name for what makes a cluster of a client. */
const CREATE_CLUSTER = "private:Kafka:createCluster";
const API_KEY = 35;
/** Kafka 2.0 to 4 have it; from 2 on its fields are written in another way. */
const API_VERSION = 1;
const ALL_TOPICS = -1;

/** The bytes of each topic's logs on the disks of all brokers, replicas included: what kafkajs has no request for. */
export async function fetchLogBytes(kafka: Kafka, internals: Internals): Promise<ReadonlyMap<string, number>> {
  const cluster = clusterOf(kafka);
  await cluster.connect();
  try {
    const { brokers } = await cluster.metadata({ topics: [] });
    const bytes = new Map<string, number>();
    for (const { nodeId } of brokers) {
      const broker = await cluster.findBroker({ nodeId: String(nodeId) });
      const sizes = (await broker.connectionPool.send(describeLogDirs(internals))) as readonly Size[];
      for (const { topicName, bytes: more } of sizes) bytes.set(topicName, (bytes.get(topicName) ?? 0) + more);
    }
    return bytes;
  } finally {
    await cluster.disconnect();
  }
}

function clusterOf(kafka: Kafka): Cluster {
  const symbol = Object.getOwnPropertySymbols(kafka).find(({ description }) => description === CREATE_CLUSTER);
  if (symbol === undefined) throw new Error("tradetape's own copy of kafkajs makes no cluster as it used to");
  const create: (of: object) => Cluster = Reflect.get(kafka, symbol);
  return create({ metadataMaxAge: 0, allowAutoTopicCreation: false });
}

/** Kafka's documentation, "DescribeLogDirs API". */
function describeLogDirs({ Encoder, Decoder }: Internals): object {
  const encode = async (): Promise<RequestEncoder> => new Encoder().writeInt32(ALL_TOPICS);
  const request = { apiKey: API_KEY, apiVersion: API_VERSION, apiName: "DescribeLogDirs", encode };
  const decode = async (payload: Buffer) => sizesOf(new Decoder(payload));
  return { request, response: { decode, parse: async (sizes: readonly Size[]) => sizes } };
}

function sizesOf(decoder: AnswerDecoder): Size[] {
  decoder.readInt32(); // how long the broker throttles us
  const folders = decoder.readArray((folder) => {
    folder.readInt16(); // what is wrong with the folder: one that can't be read tells no topics
    folder.readString();
    return folder.readArray((topic) => {
      const topicName = topic.readString();
      return { topicName, bytes: topic.readArray(bytesOf).reduce((sum, bytes) => sum + bytes, 0) };
    });
  });
  return folders.flat();
}

/** One partition's log. */
function bytesOf(partition: AnswerDecoder): number {
  partition.readInt32();
  const bytes = Number(partition.readInt64().toString());
  partition.readInt64(); // how far a log that is being moved lags
  partition.readBoolean();
  return bytes;
}
