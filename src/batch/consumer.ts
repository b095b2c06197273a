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
export type Consumer<T extends EventTopic = EventTopic> = Declaration<T> & (ByDay<T> | NotByDay<T>);

interface Declaration<T extends EventTopic> {
  readonly topic: T;
  readonly landing: LandingTable;
  /** A text that a column must not hold, and the letter's detail when an event has it. */
  readonly forbidden?: {
    readonly column: keyof EventOfTopic[T] & string;
    readonly value: string;
    readonly detail: string;
  };
  /** What the audit topic gets: a receipt per batch, one or more entries per event, or nothing (of the audit topic itself). */
  readonly audit: "none" | "receipt" | ((event: EventOfTopic[T]) => readonly AuditNote[]);
}

/** The field with the event's time; an event that lies too far ahead of its publishing is a letter (`isTimely`). */
type TimeField<T extends EventTopic> = T extends EventTopic ? NumberField<EventOfTopic[T]> : never;
/** A field that no event lacks. */
type NumberField<E> = { [K in keyof E & string]-?: E[K] extends number ? K : never }[keyof E & string];

/**
 * The table has a partition per UTC day of `time`: a batch makes those that it needs, and `tradetape partitions` drops old
 * ones. A migration names the table in `tradetape.day_table`.
 */
interface ByDay<T extends EventTopic> {
  readonly time: TimeField<T>;
  readonly partitionedByDay: true;
}

interface NotByDay<T extends EventTopic> {
  readonly time?: TimeField<T>;
  readonly partitionedByDay?: false;
}

/** The column by whose UTC day a consumer's table is partitioned; undefined where it isn't. */
export const dayColumnOf = (consumer: Consumer): string | undefined =>
  consumer.partitionedByDay ? consumer.time : undefined;
