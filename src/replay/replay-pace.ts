import type { Pace, Withheld } from "../batch/group/replay-terms.ts";
import { aborted, type Clock, pause, SYSTEM_CLOCK } from "../clock.ts";
import type { Speed } from "./bounds.ts";
import { WITHHELD_BYTES_MAX, WithheldStream } from "./withheld-stream.ts";

/** A partition that is being replayed: the offset it has come to, and the offset it ends at. */
export interface Stream {
  /** `topic/partition`, by the topic's full name. */
  readonly key: string;
  readonly next: number;
  readonly end: number;
  /** Set for the audit trail, whose times are those of its writing: when all other streams have ended, it isn't paced. */
  readonly isTrail?: boolean;
}

/** Events are let go in slices of 50 ms, which nobody notices, because each slice is a transaction per partition. */
const SLICE_MS = 50;
/** Many events that are due at once are let go in slices of so many, so that the first land while others are merged. */
const SLICE_EVENTS_MAX = 2000;

/**
 * Merges the partitions of all topics by event time and lets their records go when they are due. A partition that is slow
 * to bring its next record holds up all others, because only then is the earliest of these records known.
 */
export class ReplayPace implements Pace {
  readonly #speed: Speed;
  readonly #clock: Pick<Clock, "now" | "sleep">;
  readonly #streams = new Map<string, WithheldStream>();
  /** Keys of the streams that have not ended, without the trail's. */
  readonly #happening = new Set<string>();
  #changed = Promise.withResolvers<void>();
  /** The latest event time that was let go: a record that lies before it is due at once. */
  #reachedUs = Number.NEGATIVE_INFINITY;
  #startedUs: number | undefined;
  #startedMs = 0;
  #count = 0;

  constructor(speed: Speed, streams: readonly Stream[], clock: Pick<Clock, "now" | "sleep"> = SYSTEM_CLOCK) {
    this.#speed = speed;
    this.#clock = clock;
    for (const { key, next, end, isTrail } of streams) {
      this.#streams.set(key, new WithheldStream(next, end));
      if (!isTrail) this.#happening.add(key);
    }
  }

  withhold(records: Withheld): boolean {
    const stream = this.#streams.get(`${records.topicName}/${records.partition}`);
    // The partition has no stream, because it has ended or had nothing to land: its records go at once.
    if (stream === undefined) {
      records.release(records);
      return false;
    }
    stream.add(records);
    this.#changed.resolve();
    return stream.bytes >= WITHHELD_BYTES_MAX;
  }

  /** Lets records go until every stream has ended, or the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const stopped = aborted(signal);
    this.#startedMs = this.#clock.now();
    let inSlice = 0;
    while (!signal.aborted && this.#streams.size > 0) {
      const next = this.#next();
      if (next === undefined) {
        this.#flush();
        await Promise.race([this.#changed.promise, stopped]);
        this.#changed = Promise.withResolvers();
        continue;
      }
      const waitMs = this.#dueMs(next.timeUs) - this.#clock.now();
      if (waitMs > 0 || inSlice >= SLICE_EVENTS_MAX) {
        this.#flush();
        inSlice = 0;
        await pause(waitMs > 0 ? Math.max(waitMs, SLICE_MS) : 0, signal, this.#clock);
        continue;
      }
      this.#take(next);
      inSlice++;
    }
    if (!signal.aborted) this.#flush();
  }

  /** The stream whose record comes next; undefined while a stream holds no record. */
  #next(): { key: string; stream: WithheldStream; timeUs: number } | undefined {
    let first: { key: string; stream: WithheldStream; timeUs: number } | undefined;
    for (const [key, stream] of this.#streams) {
      if (!stream.hasHead) return undefined;
      const timeUs = Math.max(stream.headTimeUs ?? this.#reachedUs, this.#reachedUs);
      if (first === undefined || timeUs < first.timeUs) first = { key, stream, timeUs };
    }
    return first;
  }

  #dueMs(timeUs: number): number {
    if (this.#speed.kind === "rate") return this.#startedMs + (this.#count * 1000) / this.#speed.perSecond;
    const isTimeless = this.#happening.size === 0 || timeUs === Number.NEGATIVE_INFINITY;
    if (this.#speed.kind === "max" || isTimeless) return Number.NEGATIVE_INFINITY;
    if (this.#startedUs === undefined) {
      this.#startedUs = timeUs;
      this.#startedMs = this.#clock.now();
    }
    return this.#startedMs + (timeUs - this.#startedUs) / 1000 / this.#speed.factor;
  }

  #take({ key, stream, timeUs }: { key: string; stream: WithheldStream; timeUs: number }): void {
    this.#reachedUs = timeUs;
    this.#count++;
    stream.take();
    if (!stream.isAtEnd) return;
    stream.flush();
    this.#streams.delete(key);
    this.#happening.delete(key);
  }

  #flush(): void {
    for (const stream of this.#streams.values()) stream.flush();
  }
}
