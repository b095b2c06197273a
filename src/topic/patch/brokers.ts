import kafkajs, { type Kafka } from "tradetape-kafkajs";
import type { RequestEncoder } from "./kafkajs-internals.ts";

/** A broker as its cluster knows it. */
export interface Broker {
  readonly connectionPool: { send(call: object): Promise<unknown> };
  /** What it answers, by the requests' numbers; null before it was asked. */
  readonly versions: Readonly<Record<number, { readonly minVersion: number; readonly maxVersion: number }>> | null;
  /** Its answer to a request by kafkajs's names, parsed: an error of a partition is thrown. */
  fetch(request: object): Promise<unknown>;
}

export interface PartitionMetadata {
  readonly partitionId: number;
  /** The broker that leads it; below 0 where there is none. */
  readonly leader: number;
}

interface Metadata {
  readonly brokers: readonly { readonly nodeId: number }[];
  readonly topicMetadata: readonly {
    readonly topic: string;
    readonly partitionMetadata: readonly PartitionMetadata[];
  }[];
}

/** What of kafkajs's cluster is used, to ask brokers what kafkajs has no request for. */
export interface Cluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  metadata(of: { topics: readonly string[] }): Promise<Metadata>;
  findBroker(of: { nodeId: string }): Promise<Broker>;
  findGroupCoordinator(of: { groupId: string }): Promise<Broker>;
  readonly brokerPool: { findConnectedBroker(): Promise<Broker> };
}

/** kafkajs's own name for what makes a cluster of a client. */
const CREATE_CLUSTER = "private:Kafka:createCluster";

/** Connects a cluster of this client, that knows anew at each question who leads what. */
export async function connectedCluster(kafka: Kafka): Promise<Cluster> {
  const cluster = clusterOf(kafka);
  try {
    await cluster.connect();
    return cluster;
  } catch (error) {
    await cluster.disconnect();
    throw error;
  }
}

function clusterOf(kafka: Kafka): Cluster {
  const symbol = Object.getOwnPropertySymbols(kafka).find(({ description }) => description === CREATE_CLUSTER);
  if (symbol === undefined) throw new Error("tradetape's own copy of kafkajs makes no cluster as it used to");
  const create: (of: object) => Cluster = Reflect.get(kafka, symbol);
  return create({ metadataMaxAge: 0, allowAutoTopicCreation: false });
}

/** A topic's partitions and who leads them now; none where the topic isn't there. */
export async function partitionsOf(cluster: Cluster, topicName: string): Promise<readonly PartitionMetadata[]> {
  const { topicMetadata } = await cluster.metadata({ topics: [topicName] });
  return topicMetadata.find(({ topic }) => topic === topicName)?.partitionMetadata ?? [];
}

/** Kafka's number of a broker that doesn't lead the partition. */
export const NOT_LEADER = 6;
/** Kafka's number of a topic that is hidden from the user, or that he may not do with what he asked for. */
export const TOPIC_DENIED = 29;

/** Kafka's numbers of the errors that pass. */
const PASSING: Readonly<Record<number, string>> = {
  3: "UNKNOWN_TOPIC_OR_PARTITION",
  5: "LEADER_NOT_AVAILABLE",
  14: "GROUP_LOAD_IN_PROGRESS",
  15: "GROUP_COORDINATOR_NOT_AVAILABLE",
  16: "NOT_COORDINATOR_FOR_GROUP",
  [NOT_LEADER]: "NOT_LEADER_FOR_PARTITION",
};
/** And of those that say what is refused. */
const REFUSED: Readonly<Record<number, string>> = {
  [TOPIC_DENIED]: "TOPIC_AUTHORIZATION_FAILED",
  31: "CLUSTER_AUTHORIZATION_FAILED",
};

/** The error that a number of Kafka's stands for, as kafkajs has those of its own requests. */
export function errorOf(code: number): Error {
  const type = PASSING[code] ?? REFUSED[code] ?? `error ${code}`;
  const said = new Error(`Kafka answers ${type}`);
  return new kafkajs.KafkaJSProtocolError(Object.assign(said, { type, code, retriable: code in PASSING }));
}

/** A request in Kafka's words, and what reads its answer. */
export function callOf<A>(
  name: string,
  [apiKey, apiVersion]: readonly [number, number],
  encode: () => RequestEncoder,
  decode: (payload: Buffer) => A,
): object {
  const request = { apiKey, apiVersion, apiName: name, encode: async () => encode() };
  return {
    request,
    response: { decode: async (payload: Buffer) => decode(payload), parse: async (answer: A) => answer },
  };
}
