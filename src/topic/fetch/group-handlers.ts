import type { FetchedBatch } from "./fetched-batch.ts";

/** What kafkajs tells a group. Handlers own no position: the database alone says what comes next. */
export interface GroupHandlers {
  /** The group was (re)joined: these partitions are ours now, all others are not. Called inside kafkajs's own event. */
  onAssigned(partitions: readonly number[]): void;
  /**
   * A batch was fetched. Resolving it lets the next fetch go on, so awaiting is the back-pressure; `heartbeat` keeps
   * the membership alive meanwhile. `isStale` says that a seek has overtaken the batch.
   */
  onBatch(batch: FetchedBatch, heartbeat: () => Promise<void>, isStale: () => boolean): Promise<void>;
  /** A fetch brought nothing but markers and aborted records, in [firstOffset, nextOffset). */
  onMarkers(partition: number, firstOffset: number, nextOffset: number): void;
  /** The group ended by itself and won't come back. */
  onCrash(error: unknown): void;
}

export interface GroupOptions {
  readonly groupId: string;
  readonly topicName: string;
  readonly fetchPartitionBytesMax: number;
  readonly sessionTimeoutMs: number;
}
