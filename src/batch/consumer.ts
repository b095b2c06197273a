import type { EventOfTopic } from "../event/events.ts";
import type { EventTopic } from "../event/schemas.ts";
import type { LandingTable } from "../table/rows/landing-table.ts";

/** An audit entry that an event gives rise to when its row is written or replaced; a pure function of the record. */
export interface AuditNote {
  readonly eventType: string;
  readonly actor: string;
  readonly success: boolean;
}

/**
 * A consumer group, declared: what it reads, where it lands, what it tells the audit topic. One engine runs them all
 * (`Group`); a declaration holds no flow of its own.
 */
export interface Consumer<T extends EventTopic = EventTopic> {
  readonly topic: T;
  readonly landing: LandingTable;
  /** The field that says when it happened; checked against the time it was published. */
  readonly time?: keyof EventOfTopic[T] & string;
  /** A text that a column must not hold, and the sentence that says so. */
  readonly forbidden?: {
    readonly column: keyof EventOfTopic[T] & string;
    readonly value: string;
    readonly detail: string;
  };
  /** Whether the table is partitioned by UTC day of `timestamp`, so that a batch may need new partitions first. */
  readonly partitionedByDay?: boolean;
  /** One receipt per batch, one or more entries per event, or nothing (the audit topic itself). */
  readonly audit: "none" | "receipt" | ((event: EventOfTopic[T]) => readonly AuditNote[]);
}
