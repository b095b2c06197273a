import { type Cluster, callOf } from "./brokers.ts";
import type { AnswerDecoder, Internals } from "./kafkajs-internals.ts";

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
