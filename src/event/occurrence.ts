const MINUTE_US = 60_000_000;
/** What one remembered event takes, as the heap grew by half a million of them: 326 bytes. A busy hour has 200,000. */
export const BYTES_PER_EVENT = 340;

/** A single line with a damaged time mustn't make the run forget what the lines after it need: a jump needs company. */
const JUMP_LINES = 3;

interface OccurrenceOptions {
  /** Event time that lines may be out of order by; microseconds, whole minutes. */
  readonly reorderWindowUs?: number;
  readonly bytesMax?: number;
}

/**
 * Gives ids to the events of one run (one file), whose venue gave none: equal events are told apart by how many came
 * before. What came before is forgotten once the run is past it by the window, so an older line can't be counted any
 * more and is refused. The ids depend on the lines so far alone: a prefix of a file has the ids of the file.
 */
export class OccurrenceCounter<E extends { readonly timestamp: number }> {
  readonly #nth: (event: E, n: number) => string;
  readonly #windowMinutes: number;
  readonly #eventsMax: number;
  /** Counts by minute of event time, then by the id of the first of the equal events. */
  readonly #minutes = new Map<number, Map<string, number>>();
  #events = 0;
  #newest = Number.NEGATIVE_INFINITY;
  /** Consecutive lines beyond the window ahead, and the earliest minute of them. */
  #jumped = 0;
  #jump = Number.POSITIVE_INFINITY;
  /** The oldest minute that is still known whole. */
  #oldest = Number.NEGATIVE_INFINITY;

  /** @param nth the id of an event, of which the run has `n` equal ones before */
  constructor(
    nth: (event: E, n: number) => string,
    { reorderWindowUs = 60 * MINUTE_US, bytesMax = 128 * 1024 * 1024 }: OccurrenceOptions = {},
  ) {
    this.#nth = nth;
    this.#windowMinutes = Math.ceil(reorderWindowUs / MINUTE_US);
    this.#eventsMax = Math.floor(bytesMax / BYTES_PER_EVENT);
  }

  /** The event's id, or a sentence why the run can't give it one. */
  idOf(event: E): { readonly id: string } | string {
    const minute = Math.floor(event.timestamp / MINUTE_US);
    this.#follow(minute);
    if (minute < this.#oldest) {
      return "the line is older than its predecessors by more than the reorder window: sort the file by time";
    }
    let counts = this.#minutes.get(minute);
    if (counts === undefined) {
      counts = new Map();
      this.#minutes.set(minute, counts);
    }
    const first = this.#nth(event, 0);
    const before = counts.get(first);
    if (before !== undefined) {
      counts.set(first, before + 1);
      return { id: this.#nth(event, before) };
    }
    if (this.#events >= this.#eventsMax && !this.#forgetOldest(minute)) {
      return `one minute of event time holds more than the ${this.#eventsMax} different events that may be remembered`;
    }
    counts.set(first, 1);
    this.#events++;
    return { id: first };
  }

  #follow(minute: number): void {
    if (minute - this.#newest > this.#windowMinutes) {
      this.#jump = Math.min(this.#jump, minute);
      if (++this.#jumped < JUMP_LINES) return;
      this.#newest = this.#jump;
    } else if (minute > this.#newest) {
      this.#newest = minute;
    } else if (this.#jumped === 0) {
      return;
    }
    this.#jumped = 0;
    this.#jump = Number.POSITIVE_INFINITY;
    this.#raise(this.#newest - this.#windowMinutes);
  }

  #raise(oldest: number): void {
    if (oldest <= this.#oldest) return;
    this.#oldest = oldest;
    for (const [minute, counts] of this.#minutes) {
      if (minute >= oldest) continue;
      this.#events -= counts.size;
      this.#minutes.delete(minute);
    }
  }

  /** Makes room by giving up the oldest minutes, as if the window were shorter; never the one that is being filled. */
  #forgetOldest(filling: number): boolean {
    while (this.#events >= this.#eventsMax) {
      const oldest = Math.min(...this.#minutes.keys());
      if (oldest >= filling) return false;
      this.#raise(oldest + 1);
    }
    return true;
  }
}
