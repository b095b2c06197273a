import { type Cluster, callOf, TOPIC_DENIED } from "../brokers.ts";
import type { AnswerDecoder, Internals } from "../kafkajs-internals.ts";

/** Its number, and the first version whose answer has the cluster's id. */
const METADATA = [3, 2] as const;
const NO_TOPICS = 0;

interface ClusterFacts {
  readonly clusterId: string;
  readonly brokers: number;
}

/**
 * The cluster's id and how many brokers it has, and none of its topics: kafkajs asks for these facts and for all topics at
 * once, and a cluster of a thousand topics answers with megabytes.
 */
export async function fetchClusterFacts(cluster: Cluster, internals: Internals): Promise<ClusterFacts> {
  const broker = await cluster.brokerPool.findConnectedBroker();
  return (await broker.connectionPool.send(metadata(internals))) as ClusterFacts;
}

/** Kafka's documentation, "Metadata API". */
const metadata = ({ Encoder, Decoder }: Internals): object =>
  callOf(
    "Metadata",
    METADATA,
    () => new Encoder().writeInt32(NO_TOPICS),
    (payload) => {
      const decoder = new Decoder(payload);
      const brokers = decoder.readArray(skipBroker).length;
      return { clusterId: decoder.readString(), brokers };
    },
  );

function skipBroker(decoder: AnswerDecoder): void {
  decoder.readInt32(); // its number
  decoder.readString(); // its host
  decoder.readInt32(); // its port
  decoder.readString(); // its rack
}

/** Its number, and the first version by which a question makes no topic. */
const METADATA_OF_TOPICS = [3, 4] as const;
/** A topic that is asked about isn't made. */
const NEVER = Buffer.of(0);

interface TopicAnswer {
  readonly topicName: string;
  readonly errorCode: number;
}

/**
 * Which of these topics the user may not DESCRIBE: an answer about all topics leaves them out, one about a topic by its name says
 * so, whether or not it is there. kafkajs throws at the first of them.
 */
export async function fetchHiddenTopics(
  cluster: Cluster,
  internals: Internals,
  topicNames: readonly string[],
): Promise<readonly string[]> {
  const broker = await cluster.brokerPool.findConnectedBroker();
  const answers = (await broker.connectionPool.send(metadataOf(internals, topicNames))) as readonly TopicAnswer[];
  return answers.filter(({ errorCode }) => errorCode === TOPIC_DENIED).map(({ topicName }) => topicName);
}

/** Kafka's documentation, "Metadata API". */
const metadataOf = ({ Encoder, Decoder }: Internals, topicNames: readonly string[]): object =>
  callOf(
    "Metadata",
    METADATA_OF_TOPICS,
    () => {
      const encoder = new Encoder().writeInt32(topicNames.length);
      for (const name of topicNames) encoder.writeString(name);
      return encoder.writeBuffer(NEVER);
    },
    (payload) => topicsOf(new Decoder(payload)),
  );

function topicsOf(decoder: AnswerDecoder): TopicAnswer[] {
  skipCluster(decoder);
  return decoder.readArray((topic) => {
    const errorCode = topic.readInt16();
    const topicName = topic.readString();
    topic.readBoolean(); // whether it is one of Kafka's own
    topic.readArray(skipPartition);
    return { topicName, errorCode };
  });
}

/** Reads an answer up to its topics. */
export function skipCluster(decoder: AnswerDecoder): void {
  decoder.readInt32(); // how long the broker throttles us
  decoder.readArray(skipBroker);
  decoder.readString(); // the cluster's id
  decoder.readInt32(); // which broker controls it
}

function skipPartition(decoder: AnswerDecoder): void {
  decoder.readInt16(); // what is wrong with it
  decoder.readInt32(); // its number
  decoder.readInt32(); // its leader
  decoder.readArray((replica) => replica.readInt32());
  decoder.readArray((inSync) => inSync.readInt32());
}
