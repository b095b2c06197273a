import type { EventTopic } from "../../event/schemas.ts";
import type { PartitionOffsets } from "../../topic/offsets.ts";
import type { EventFilter } from "../encode/event-filter.ts";

/**
 * What makes a group land for a replay: a part of the log with an end, a group id of its own, and no word to anybody,
 * as the audit trail is read from its topic like everything else.
 */
export interface ReplayTerms {
  /** The offsets [low, high) of each partition that are to land. */
  rangesOf(topic: EventTopic): readonly PartitionOffsets[];
  /**
   * The log as the replay sees it: from where it began to where it ends.
   * @throws TradetapeError history_lost when the log no longer reaches the end
   */
  within(topic: EventTopic, log: PartitionOffsets): PartitionOffsets;
  filterOf(topic: EventTopic): EventFilter;
  /** Set when events land at the speed at which they happened. */
  readonly pace: Pace | undefined;
}

/** Records [from, to) of a batch, which cover the offsets [firstOffset, nextOffset). */
export interface Stretch {
  readonly firstOffset: number;
  readonly nextOffset: number;
  readonly from: number;
  readonly to: number;
}

/** Fetched records on their way to their lane. */
export interface Withheld extends Stretch {
  readonly topicName: string;
  readonly partition: number;
  readonly bytes: number;
  offsetOf(index: number): number;
  /** Microseconds since 1970; undefined for a record without an event time. */
  timeOf(index: number): number | undefined;
  /** Queues this part to be landed, unless the partition has been claimed anew since. */
  release(part: Stretch): void;
  /** Fetching may go on: little of the partition is held by now. */
  wanted(): void;
}

/** Holds back what was fetched until it is time for it to land. */
export interface Pace {
  /** @returns whether that is enough of this partition for now */
  hold(records: Withheld): boolean;
}
