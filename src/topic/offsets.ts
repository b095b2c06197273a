import { setTimeout as sleep } from "node:timers/promises";
import type { Admin } from "kafkajs";
import { TradetapeError } from "../errors.ts";
import { brokerFault } from "./client.ts";

/** A partition of a topic, by the topic's full name. */
export interface TopicPartition {
  readonly topicName: string;
  readonly partition: number;
}

/** What is kept in Kafka for a partition: where its reader is, and a note of its own beside it. */
export interface Mark extends TopicPartition {
  readonly offset: number;
  readonly note: string;
}

/** One partition's log: `low` is the first offset it still holds, `high` the one the next event will get. */
export interface PartitionOffsets {
  readonly partition: number;
  readonly low: number;
  readonly high: number;
}

/** Offsets are counted up from 0 by one; 2^53 of them are out of reach, so a number holds every one exactly. */
function offsetNumber(text: string): number {
  const offset = Number(text);
  if (!Number.isSafeInteger(offset)) throw new Error(`offset ${text} is beyond 2^53`);
  return offset;
}

const LEADERLESS_TRIES = 50;
const LEADERLESS_WAIT_MS = 100;

/**
 * A partition that was made or has moved a moment ago has a leader in the metadata before that broker knows of it;
 * kafkajs gives up at that answer, which passes within a second.
 */
async function withLeader<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      const { type } = error as { type?: string };
      const isLeaderless = type === "NOT_LEADER_FOR_PARTITION" || type === "LEADER_NOT_AVAILABLE";
      if (!isLeaderless || tries >= LEADERLESS_TRIES) throw unanswered(error);
      await sleep(LEADERLESS_WAIT_MS);
    }
  }
}

/** Where nothing of a cluster answers, kafkajs takes a field of an answer that it hasn't got. */
const unanswered = (cause: unknown): unknown =>
  cause instanceof TypeError
    ? new TradetapeError("broker_unreachable", "Kafka: no broker answers for the topic's partitions", {
        canRetry: true,
        cause,
        next: "Wait for the brokers that hold the topic, or start them.",
      })
    : brokerFault(cause);

/**
 * Every partition's low and high offset, by partition.
 * @param topicName the full name
 * @throws TradetapeError topic_missing, broker_unreachable
 */
export async function fetchOffsets(admin: Admin, topicName: string): Promise<PartitionOffsets[]> {
  const partitions = await withLeader(() => admin.fetchTopicOffsets(topicName));
  return partitions
    .map(({ partition, low, high }) => ({ partition, low: offsetNumber(low), high: offsetNumber(high) }))
    .sort((a, b) => a.partition - b.partition);
}

/**
 * Per partition, the first offset whose broker time is at or after `timeMs`; the high offset where there is none.
 * @param timeMs milliseconds since 1970, UTC
 */
export async function fetchOffsetsAt(admin: Admin, topicName: string, timeMs: number): Promise<Map<number, number>> {
  const partitions = await withLeader(() => admin.fetchTopicOffsetsByTimestamp(topicName, timeMs));
  return new Map(partitions.map(({ partition, offset }) => [partition, offsetNumber(offset)]));
}

/**
 * What a group has kept for each partition of a topic: the offset and the note beside it. Partitions without are left
 * out.
 */
export async function fetchMarks(admin: Admin, groupId: string, topicName: string): Promise<Mark[]> {
  const [found] = await withLeader(() => admin.fetchOffsets({ groupId, topics: [topicName] }));
  const marks = found?.partitions ?? [];
  return marks
    .filter(({ offset }) => Number(offset) >= 0)
    .map(({ partition, offset, metadata }) => ({
      topicName,
      partition,
      offset: offsetNumber(offset),
      note: metadata ?? "",
    }));
}

/** The cluster's own id, which another cluster at the same address doesn't have. @throws broker_unreachable */
export async function fetchClusterId(admin: Admin): Promise<string> {
  try {
    return (await admin.describeCluster()).clusterId;
  } catch (cause) {
    throw unanswered(cause);
  }
}
