import type { AnyDraft } from "../agent/draft.ts";
import type { EventOfTopic } from "../event/events.ts";
import type { EventTopic } from "../event/schemas.ts";

/** One record that a program reads: the event, and where it stands in the log. */
export type InputRecord = {
  [T in EventTopic]: {
    readonly topic: T;
    readonly event: Required<EventOfTopic[T]>;
    readonly partition: number;
    readonly offset: number;
    /** The broker's time, microseconds since 1970. */
    readonly publishedUs: number;
  };
}[EventTopic];

/**
 * What a program does with its records, one by one. It must be a pure function of them, but for `idle`'s time, because after
 * a restart it is shown again what it needs, and what it publishes twice must be the same events under the same ids.
 */
export interface Machine {
  take(record: InputRecord): readonly AnyDraft[];
  /** Called when it has taken all that the topics hold: after a batch, then about every second. @param nowUs UTC */
  idle?(nowUs: number): readonly AnyDraft[];
  /** The oldest offset that its open state rests on, from which a restart reads. Without this method it reads everything. */
  oldest?(topic: EventTopic, partition: number): number;
  /** What people should know, by name: ticks that were too late, and the like. */
  counts?(): Readonly<Record<string, number>>;
}

/** A program that reads topics and publishes what follows from them. */
export interface Program {
  readonly name: string;
  readonly reads: readonly EventTopic[];
  /** @param isWhole whether a partition is shown from its first event, or from where `oldest` said; if not, its begin is lost */
  open(isWhole: (topic: EventTopic, partition: number) => boolean): Machine;
}
