import type { FetchedBatch } from "../fetch/fetched-batch.ts";
import { NO_BROKERS_TIME } from "../fetch/records.ts";
import type { VisibleLog, VisibleRecord } from "../offsets.ts";
import {
  type Broker,
  type Cluster,
  errorOf,
  NOT_LEADER,
  type PartitionMetadata,
  partitionsOf,
} from "../patch/brokers.ts";
import { batchFrom, type FetchAnswer, OUT_OF_RANGE, READ_COMMITTED } from "../patch/fetch-records.ts";

/** Kafka's word for who reads also what open transactions have written. */
const READ_UNCOMMITTED = 0;
/** A broker brings one record batch however few bytes are asked for. */
const ONE_BATCH_BYTES = 1;
/** What an aborted transaction left may be long: it is gone through in larger parts. */
const MANY_BATCHES_BYTES = 1024 * 1024;

/** What `LogAdmin.fetchVisible` says, asked of each partition's leader without a group to join. */
export async function fetchVisible(
  cluster: Cluster,
  topicName: string,
  from: ReadonlyMap<number, number>,
): Promise<ReadonlyMap<number, VisibleLog>> {
  const seen = new Map<number, VisibleLog>();
  if (from.size === 0) return seen;
  const partitions = await partitionsOf(cluster, topicName);
  const look = async ({ partitionId, leader }: PartitionMetadata) => {
    const offset = from.get(partitionId);
    if (offset === undefined) return;
    if (leader < 0) throw errorOf(NOT_LEADER);
    const broker = await cluster.findBroker({ nodeId: String(leader) });
    const log = await visibleFrom(broker, topicName, partitionId, offset);
    if (log !== undefined) seen.set(partitionId, log);
  };
  await Promise.all(partitions.map(look));
  return seen;
}

async function visibleFrom(
  broker: Broker,
  topicName: string,
  partition: number,
  from: number,
): Promise<VisibleLog | undefined> {
  for (let at = from, maxBytes = ONE_BATCH_BYTES; ; ) {
    const seen = await fetchAt(broker, READ_COMMITTED, topicName, { partition, fetchOffset: at, maxBytes });
    if (seen === undefined) return undefined;
    const { end, logEnd, nextOffset, first } = seen;
    if (first === undefined && nextOffset !== undefined) {
      // Where the batch ended below what is asked for, more bytes bring the next one.
      maxBytes = nextOffset > at ? MANY_BATCHES_BYTES : 2 * Math.max(maxBytes, MANY_BATCHES_BYTES);
      at = nextOffset;
      continue;
    }
    const open = end < logEnd ? await openAt(broker, topicName, partition, end) : undefined;
    return { end, logEnd, first, open };
  }
}

/** @returns undefined where the transaction has ended meanwhile */
async function openAt(broker: Broker, topic: string, partition: number, fetchOffset: number) {
  const part = { partition, fetchOffset, maxBytes: ONE_BATCH_BYTES };
  return (await fetchAt(broker, READ_UNCOMMITTED, topic, part))?.first;
}

/** @returns undefined where the log doesn't hold the offset; `nextOffset` is behind what was brought, where that was anything */
async function fetchAt(
  broker: Broker,
  isolationLevel: number,
  topicName: string,
  part: { readonly partition: number; readonly fetchOffset: number; readonly maxBytes: number },
) {
  const answer = await fetchPart(broker, isolationLevel, topicName, part);
  if (answer === undefined) return undefined;
  const [end, logEnd] = [Number(answer.lastStableOffset), Number(answer.highWatermark)];
  if (answer.messages.length === 0) return { end, logEnd, nextOffset: undefined, first: undefined };
  const batch = await batchFrom(answer, topicName, part.fetchOffset);
  return { end, logEnd, nextOffset: batch.nextOffset, first: firstOf(batch) };
}

function firstOf(batch: FetchedBatch): VisibleRecord | undefined {
  if (batch.isDamaged) return { offset: batch.fetchedOffset, publishedAtMs: undefined };
  const { records } = batch;
  if (records.count === 0) return undefined;
  const timeMs = records.publishedAtMs(0);
  return { offset: records.offsetOf(0), publishedAtMs: timeMs === NO_BROKERS_TIME ? undefined : timeMs };
}

/** @returns undefined where the log doesn't hold the offset */
async function fetchPart(
  broker: Broker,
  isolationLevel: number,
  topic: string,
  part: { readonly partition: number; readonly fetchOffset: number; readonly maxBytes: number },
) {
  const { maxBytes } = part;
  const topics = [{ topic, partitions: [part] }];
  try {
    const answer = await broker.fetch({ isolationLevel, maxWaitTime: 0, maxBytes, topics });
    return (answer as FetchAnswer).responses[0]!.partitions[0]!;
  } catch (error) {
    if ((error as Error).name === OUT_OF_RANGE) return undefined;
    throw error;
  }
}
