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
export interface Machine<S = unknown> {
  take(record: InputRecord): readonly AnyDraft[];
  /**
   * Called when it has taken all that the topics hold: after a batch, then about every second. A restart without a snapshot
   * calls it in silence, with the same time, where a run before did so behind its last record.
   * @param nowUs UTC
   */
  idle?(nowUs: number): readonly AnyDraft[];
  /**
   * All that it remembers, as plain JSON values: numbers are finite, objects have no class. `open` makes a machine of them
   * that goes on as this one does. Each program whose `snapshot` isn't null has it.
   */
  save?(): S;
  /** The oldest offset that its open state rests on, from which a restart reads. Without this method it reads everything. */
  oldest?(topic: EventTopic, partition: number): number;
  /** What people should know, by name: ticks that were too late, and the like. */
  counts?(): Readonly<Record<string, number>>;
}

/** A program that reads topics and publishes what follows from them, as `defineProgram` makes it. */
export interface Program<S = unknown> {
  /** Names its place in the topics it reads: under another name it begins anew. */
  readonly name: string;
  readonly reads: readonly EventTopic[];
  /** The topics of all that it gives. */
  readonly publishes: readonly EventTopic[];
  /**
   * What a snapshot of its state has to agree with. A program that has it is never shown a log whose beginning is gone: it
   * begins with a snapshot, or is refused. Null is for a program whose machines say `oldest`, and that knows by `isWhole`
   * what it can't tell.
   */
  readonly snapshot: SnapshotTerms | null;
  /**
   * @param isWhole whether a partition is shown from its first event, or from where `oldest` said; if not, its begin is lost
   * @param saved what `save` gave, of the records before those that are shown now
   * @param session what the run belongs to; null is live trading
   */
  open(isWhole: (topic: EventTopic, partition: number) => boolean, saved?: S, session?: string | null): Machine<S>;
}

/** What has to be the same for a state that was saved to be taken up again. */
export interface SnapshotTerms {
  /** To be raised when records are answered otherwise than before, or `save` gives another shape. */
  readonly version: number;
  /** What its answers depend on beside the records, as plain JSON values. */
  readonly settings: unknown;
}
