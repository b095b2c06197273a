import { batchOf } from "../fetch/batch-of.ts";
import type { FetchedBatch } from "../fetch/fetched-batch.ts";
import { openBatches } from "../fetch/open-batches.ts";
import type { FetchLimits } from "../log-client.ts";
import type { LogPlace, TopicPartition } from "../offsets.ts";
import { type Cluster, errorOf, partitionsOf } from "./brokers.ts";

/** Kafka's word for who reads no record of a transaction that was aborted, or isn't over. */
export const READ_COMMITTED = 1;
/** Kafka's errors of a topic that isn't there, and of a partition that no broker leads. */
const UNKNOWN_TOPIC = 3;
const NO_LEADER = 5;
/** What kafkajs throws where a log doesn't hold the offset that is asked for; it names the partition. */
export const OUT_OF_RANGE = "KafkaJSOffsetOutOfRange";

/** What a leader answers to a fetch. Offsets are decimal digits. */
export interface FetchAnswer {
  readonly responses: readonly {
    readonly topicName: string;
    readonly partitions: readonly {
      readonly partition: number;
      readonly highWatermark: string;
      readonly lastStableOffset: string;
      readonly messages: Parameters<typeof batchOf>[0]["batches"];
    }[];
  }[];
}

/** Asks the leaders of some partitions for what is in their logs, as nobody's group: kafkajs fetches for groups only. */
export async function fetchRecords(
  cluster: Cluster,
  from: readonly LogPlace[],
  limits: FetchLimits,
): Promise<readonly FetchedBatch[]> {
  const byLeader = new Map<string, LogPlace[]>();
  for (const [topicName, places] of Map.groupBy(from, (place) => place.topicName)) {
    const partitions = await partitionsOf(cluster, topicName);
    for (const place of places) {
      const found = partitions.find(({ partitionId }) => partitionId === place.partition);
      if (found === undefined) throw errorOf(UNKNOWN_TOPIC);
      if (found.leader < 0) throw errorOf(NO_LEADER);
      const nodeId = String(found.leader);
      byLeader.set(nodeId, [...(byLeader.get(nodeId) ?? []), place]);
    }
  }
  const answers = [...byLeader].map(([nodeId, own]) => fetchOf(cluster, nodeId, own, limits));
  return (await Promise.all(answers)).flat();
}

/** What an answer has of a partition, from the offset on that was asked for. */
export async function batchFrom(
  { partition, highWatermark, messages }: FetchAnswer["responses"][number]["partitions"][number],
  topicName: string,
  fetchedOffset: number,
): Promise<FetchedBatch> {
  // The broker sends whole batches: the first may begin before what is asked for, and of a compacted log end there.
  const batches = await openBatches(messages.filter(({ lastOffset }) => lastOffset >= fetchedOffset));
  const nextOffset = (batches.at(-1)?.lastOffset ?? fetchedOffset - 1) + 1;
  return batchOf({ topicName, partition, fetchedOffset, nextOffset, logEnd: Number(highWatermark), batches });
}

/** A whole answer fails for one partition whose log doesn't hold the offset, so the others are asked again without it. */
async function fetchOf(
  cluster: Cluster,
  nodeId: string,
  from: readonly LogPlace[],
  limits: FetchLimits,
): Promise<FetchedBatch[]> {
  if (from.length === 0) return [];
  const broker = await cluster.findBroker({ nodeId });
  const maxBytes = limits.partitionBytesMax;
  const topics = [...Map.groupBy(from, ({ topicName }) => topicName)].map(([topic, places]) => ({
    topic,
    partitions: places.map(({ partition, offset }) => ({ partition, fetchOffset: String(offset), maxBytes })),
  }));
  try {
    const answer = (await broker.fetch({
      maxWaitTime: limits.waitMs,
      minBytes: 1,
      maxBytes: maxBytes * from.length,
      isolationLevel: READ_COMMITTED,
      topics,
    })) as FetchAnswer;
    const offsets = new Map(from.map((place) => [nameOf(place), place.offset]));
    const batches: FetchedBatch[] = [];
    for (const { topicName, partitions } of answer.responses)
      for (const part of partitions)
        batches.push(await batchFrom(part, topicName, offsets.get(nameOf({ ...part, topicName }))!));
    return batches;
  } catch (error) {
    const { name, topic: topicName, partition } = error as { name: string; topic: string; partition: number };
    if (name !== OUT_OF_RANGE) throw error;
    const isOut = (place: LogPlace) => nameOf(place) === nameOf({ topicName, partition });
    return fetchOf(
      cluster,
      nodeId,
      from.filter((place) => !isOut(place)),
      limits,
    );
  }
}

const nameOf = ({ topicName, partition }: TopicPartition): string => `${topicName}/${partition}`;
