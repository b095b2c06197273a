import type { EventOfTopic } from "../event/events.ts";
import { type FieldHolding, OWN_ID } from "../event/identity.ts";
import type { EventTopic } from "../event/schemas.ts";
import { hasSessions, type LandingTable, type LandingTableOf, type Parent } from "../table/rows/landing-table.ts";
import { RowHasher } from "../table/rows/row-hasher.ts";

/** An audit entry that an event gives rise to when its row is written or replaced; a pure function of the record. */
interface AuditNote {
  readonly eventType: string;
  readonly actor: string;
  readonly success: boolean;
}

/**
 * A consumer group as a declaration: the topic it reads, the table it lands in, the audit entries it makes. `Group` runs
 * whichever it is given, so a declaration has no control flow of its own.
 */
export type Consumer = Declaration & (ByDay | NotByDay);

/** The same as it is declared for one topic: it can't name a field that the topic's events don't have. */
export type ConsumerOf<T extends EventTopic> = DeclarationOf<T> & (ByDay<TimeField<T>> | NotByDay<TimeField<T>>);

interface Declaration {
  readonly topic: EventTopic;
  readonly landing: LandingTable;
  /** What the audit topic gets: a receipt per batch, one or more entries per event, or nothing (of the audit topic itself). */
  readonly audit: "none" | "receipt" | ((event: never) => readonly AuditNote[]);
  /** Whether a live group lands its partitions side by side, on as many connections as the settings say, or on one. */
  readonly connections: "one" | "several";
}

interface DeclarationOf<T extends EventTopic> extends Declaration {
  readonly topic: T;
  readonly landing: LandingTableOf<T>;
  readonly audit: "none" | "receipt" | ((event: EventOfTopic[T]) => readonly AuditNote[]);
}

/** The field with the event's time; an event that lies too far ahead of its publishing is a letter (`wrongTime`). */
type TimeField<T extends EventTopic> = FieldHolding<number, T>;

/**
 * The table has a partition per UTC day of `time`: a batch makes those that it needs, and `tradetape partitions` drops old
 * ones. A migration names the table in `tradetape.day_table`. The first event of an id stays: what a revision did to a row
 * (`insertRevised` counts it by `xmax`), PostgreSQL doesn't tell of a partitioned table.
 */
interface ByDay<F extends string = string> {
  readonly landing: { readonly repeats: "first" };
  readonly time: F;
  readonly partitionedByDay: true;
}

interface NotByDay<F extends string = string> {
  readonly time?: F;
  readonly partitionedByDay?: false;
}

/** The column by whose UTC day a consumer's table is partitioned; undefined where it isn't. */
export const dayColumnOf = (consumer: Consumer): string | undefined =>
  consumer.partitionedByDay ? consumer.time : undefined;

/** Hashes a topic's rows, where its batches have receipts: these tell of the rows by sums. */
export const hasherOf = ({ landing, audit, time }: Consumer): RowHasher | undefined =>
  audit === "receipt" && time !== undefined ? new RowHasher(landing, time) : undefined;

/** A parent as its own consumer declares it. @param column the child's field that holds the parent's id */
export const parent = <C extends string>(column: C, { topic, landing }: Consumer): Parent<C> => ({
  column,
  topic,
  table: landing.table,
  key: OWN_ID[topic].field,
  hasSession: hasSessions(landing),
});

/**
 * Whether rows go by COPY straight into the table, and only repeats through a stage: nothing has to be looked up before a
 * row goes in (no parents), nothing filled in (no chain), and nobody asks which rows did (no audit entry per event).
 */
export const copiesDirectly = ({ landing, audit }: Consumer): boolean =>
  landing.parents.length === 0 && !landing.chained && typeof audit !== "function";
