import type { EventTopic } from "../../event/schemas.ts";
import type { PartitionOffsets } from "../../topic/offsets.ts";
import type { EventFilter } from "../encode/event-filter.ts";

/**
 * What a replay hands to a group, which makes it differ from a live one: a part of the log with an end, a filter, a pace. A
 * group with terms publishes nothing, because the audit trail is read from its topic like everything else.
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

/** Records [from, to) of a batch, and the offsets [firstOffset, nextOffset) that they cover. */
export interface Stretch {
  readonly firstOffset: number;
  readonly nextOffset: number;
  readonly from: number;
  readonly to: number;
}

/** Fetched records that a pace withholds on their way to their lane. */
export interface Withheld extends Stretch {
  readonly topicName: string;
  readonly partition: number;
  readonly bytes: number;
  offsetOf(index: number): number;
  /** Microseconds since 1970; undefined for a record without an event time. */
  timeOf(index: number): number | undefined;
  /** Queues this part in the lane, unless the partition has been claimed anew since. */
  release(part: Stretch): void;
  /** Lets Kafka fetch on, because little of the partition is withheld by now. */
  wanted(): void;
}

/** Withholds what was fetched until it is time for it to land. */
export interface Pace {
  /** @returns whether fetching of this partition is to pause until `wanted` is called */
  withhold(records: Withheld): boolean;
}
