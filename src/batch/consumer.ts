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
 * A consumer group as a declaration: the topic it reads, the table it lands in, the audit entries it makes. `Group` runs
 * all of them, so a declaration has no control flow of its own.
 */
export interface Consumer<T extends EventTopic = EventTopic> {
  readonly topic: T;
  readonly landing: LandingTable;
  /** The field with the event's time; an event that lies too far ahead of its publishing is a letter (`isTimely`). */
  readonly time?: keyof EventOfTopic[T] & string;
  /** A text that a column must not hold, and the letter's detail when an event has it. */
  readonly forbidden?: {
    readonly column: keyof EventOfTopic[T] & string;
    readonly value: string;
    readonly detail: string;
  };
  /** Whether the table is partitioned by UTC day of `timestamp`, so that a batch may need new partitions first. */
  readonly partitionedByDay?: boolean;
  /** What the audit topic gets: a receipt per batch, one or more entries per event, or nothing (of the audit topic itself). */
  readonly audit: "none" | "receipt" | ((event: EventOfTopic[T]) => readonly AuditNote[]);
}
