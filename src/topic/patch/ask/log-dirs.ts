import { type Cluster, callOf } from "../brokers.ts";
import type { AnswerDecoder, Internals } from "../kafkajs-internals.ts";

interface Size {
  readonly topicName: string;
  readonly bytes: number;
}

/** Its number, and the version that Kafka 2.0 to 4 have; from 2 on its fields are written in another way. */
const DESCRIBE_LOG_DIRS = [35, 1] as const;
const ALL_TOPICS = -1;

/** The bytes of each topic's logs on the disks of all brokers, replicas included: what kafkajs has no request for. */
export async function fetchLogBytes(cluster: Cluster, internals: Internals): Promise<ReadonlyMap<string, number>> {
  const { brokers } = await cluster.metadata({ topics: [] });
  const bytes = new Map<string, number>();
  for (const { nodeId } of brokers) {
    const broker = await cluster.findBroker({ nodeId: String(nodeId) });
    const sizes = (await broker.connectionPool.send(describeLogDirs(internals))) as readonly Size[];
    for (const { topicName, bytes: more } of sizes) bytes.set(topicName, (bytes.get(topicName) ?? 0) + more);
  }
  return bytes;
}

/** Kafka's documentation, "DescribeLogDirs API". */
const describeLogDirs = ({ Encoder, Decoder }: Internals): object =>
  callOf(
    "DescribeLogDirs",
    DESCRIBE_LOG_DIRS,
    () => new Encoder().writeInt32(ALL_TOPICS),
    (payload) => sizesOf(new Decoder(payload)),
  );

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
