import type { ConsumerConfig } from "tradetape-kafkajs";
import type { MemberOptions } from "../log-client.ts";
import { METADATA_MAX_AGE_MS } from "./metadata.ts";
import { soleAssigner } from "./sole-assigner.ts";

/**
 * Patience of a group's member, some 20 s: Kafka takes 9 s to give a group of a broker that died to another broker. kafkajs
 * asks in short pauses, because all partitions of the group wait for the answer.
 */
export const MEMBER_RETRY = { initialRetryTime: 100, factor: 0.2, multiplier: 2, maxRetryTime: 500, retries: 40 };
/**
 * kafkajs sleeps this long when every partition is paused, and a fetch of an empty log waits as long: a stop and a seek
 * wait for its end. Ten idle groups in one process took 1.88 % of a core so, 2.03 % with 500 ms. A program's reader is
 * one group, and has to wait for its seeks while it replays.
 */
const FETCH_WAIT_MS_MAX = { shared: 650, sole: 250 } as const;
/**
 * What a fetch brings is in memory twice until it has been taken apart. Of more partitions than these kafkajs asks in
 * another order each time, so that none is passed over for long.
 */
const PARTITIONS_PER_FETCH = 4;

/** What a member's consumer is made with. */
export const consumerOptions = (options: MemberOptions): ConsumerConfig => ({
  groupId: options.groupId,
  sessionTimeout: options.sessionTimeoutMs,
  rebalanceTimeout: options.sessionTimeoutMs,
  heartbeatInterval: Math.min(3000, options.sessionTimeoutMs / 5),
  retry: MEMBER_RETRY,
  metadataMaxAge: METADATA_MAX_AGE_MS,
  maxWaitTimeInMs: FETCH_WAIT_MS_MAX[options.assignment],
  maxBytesPerPartition: options.fetchPartitionBytesMax,
  maxBytes: options.fetchPartitionBytesMax * PARTITIONS_PER_FETCH,
  ...(options.assignment === "sole" ? { partitionAssigners: [soleAssigner] } : {}),
});
