import type { EpochEnd } from "../../offsets.ts";
import { type Cluster, callOf, errorOf, NOT_LEADER, partitionsOf } from "../brokers.ts";
import type { AnswerDecoder, Internals } from "../kafkajs-internals.ts";

/** Its number, and the version that Kafka 2.1 to 4 have. */
const OFFSET_FOR_LEADER_EPOCH = [23, 2] as const;
/** Kafka's number where a leader is not held to the epoch that we take it for, and where a log knows no answer. */
const NONE = -1;

interface Answer extends EpochEnd {
  readonly partition: number;
  readonly errorCode: number;
}

/**
 * Asks each partition's leader where its log has the part that the leader of an epoch took: what kafkajs has no request for,
 * and how Kafka's own consumers find that a log was cut.
 */
export async function fetchEpochEnds(
  cluster: Cluster,
  internals: Internals,
  topicName: string,
  epochs: ReadonlyMap<number, number>,
): Promise<ReadonlyMap<number, EpochEnd>> {
  const ends = new Map<number, EpochEnd>();
  if (epochs.size === 0) return ends;
  const partitions = await partitionsOf(cluster, topicName);
  const asked = partitions.filter(({ partitionId }) => epochs.has(partitionId));
  for (const [leader, own] of Map.groupBy(asked, (partition) => partition.leader)) {
    if (leader < 0) throw errorOf(NOT_LEADER);
    const broker = await cluster.findBroker({ nodeId: String(leader) });
    const [apiKey, apiVersion] = OFFSET_FOR_LEADER_EPOCH;
    // A broker that speaks Kafka's protocol and isn't Kafka may lack the request: then nothing is known.
    if ((broker.versions?.[apiKey]?.maxVersion ?? 0) < apiVersion) continue;
    const given = own.map(({ partitionId }) => [partitionId, epochs.get(partitionId)!] as const);
    const call = offsetForLeaderEpoch(internals, topicName, given);
    for (const { partition, errorCode, epoch, end } of (await broker.connectionPool.send(call)) as readonly Answer[]) {
      if (errorCode !== 0) throw errorOf(errorCode);
      if (epoch !== NONE && end !== NONE) ends.set(partition, { epoch, end });
    }
  }
  return ends;
}

/** Kafka's documentation, "OffsetForLeaderEpoch API". */
const offsetForLeaderEpoch = (
  { Encoder, Decoder }: Internals,
  topicName: string,
  epochs: readonly (readonly [number, number])[],
): object =>
  callOf(
    "OffsetForLeaderEpoch",
    OFFSET_FOR_LEADER_EPOCH,
    () => {
      const encoder = new Encoder().writeInt32(1).writeString(topicName).writeInt32(epochs.length);
      for (const [partition, epoch] of epochs) encoder.writeInt32(partition).writeInt32(NONE).writeInt32(epoch);
      return encoder;
    },
    (payload) => answersOf(new Decoder(payload)),
  );

function answersOf(decoder: AnswerDecoder): Answer[] {
  decoder.readInt32(); // how long the broker throttles us
  const topics = decoder.readArray((topic) => {
    topic.readString();
    return topic.readArray((partition) => ({
      errorCode: partition.readInt16(),
      partition: partition.readInt32(),
      epoch: partition.readInt32(),
      end: Number(partition.readInt64().toString()),
    }));
  });
  return topics.flat();
}
