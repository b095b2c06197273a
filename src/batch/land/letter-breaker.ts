import { schemaIdOf } from "../../event/codec.ts";
import type { EncodedBatch, Letter } from "../encode/encoded-batch.ts";

/** An event that becomes a letter, by what a person's answer may name of it. */
export interface BadEvent {
  readonly partition: number;
  readonly offset: number;
  /** Undefined where it doesn't begin with one. */
  readonly schemaId: number | undefined;
}

/** What one batch or release came to, as the breaker counts it. */
export interface BreakerSample {
  /** How many events it looked at, those that it parked among them. */
  readonly records: number;
  /** How many of them it parked; of a release, which takes events up again, negative. */
  readonly parked: number;
  /** Its letters, without conflicting duplicates. */
  readonly bad: readonly BadEvent[];
}

/**
 * Below this many letters there is no rate: a quiet topic's ten bad events are ten letters. With the size of a batch it
 * bounds what a person has to redrive or discard when the breaker does trip.
 */
export const LETTERS_MIN = 1000;

/**
 * The window is counted in records, not in seconds: a backlog lands a hundred times faster than live events come, and
 * the same events must trip in both. It is ten times LETTERS_MIN, so that less than a tenth of letters trips nothing.
 */
export const WINDOW_RECORDS = 10_000;

/**
 * Stops a group whose topic turns into letters: a wrong schema, a feed in cents, a table altered by hand. One bad event
 * is set aside; when most are bad (half, by default: more is wrong than right), the fault is not the events', and
 * setting them all aside would empty the topic.
 *
 * Counts the last batches of a group that together have at least `WINDOW_RECORDS` records. In memory: a restarted process
 * counts from zero, and trips again within `LETTERS_MIN` letters.
 *
 * An event counts once, where it was last looked at: one that was parked is no letter, because most of what waits for a parent
 * lands, and counts as good from then on. A release takes it out of there, and counts what it came to.
 */
export class LetterBreaker {
  readonly #shareMax: number;
  readonly #samples: BreakerSample[] = [];
  #records = 0;
  #letters = 0;
  /** Of the records, those that wait. */
  #parked = 0;

  /** @param shareMax letters per record that may be; 1 never trips */
  constructor(shareMax: number) {
    this.#shareMax = shareMax;
  }

  /** The window with this batch in it, if it has too many letters. Doesn't count the batch: `note` does when it commits. */
  trips({ records, parked, bad }: BreakerSample): { readonly records: number; readonly letters: number } | undefined {
    const letters = bad.length;
    // A batch that is good itself trips nothing, whatever came before: to roll it back would set nothing right.
    if (letters <= this.#shareMax * records) return undefined;
    const again = Math.min(this.#parked, Math.max(0, -parked));
    const window = { records: this.#records - again + records, letters: this.#letters + letters };
    const isTooMany = window.letters >= LETTERS_MIN && window.letters > this.#shareMax * window.records;
    return isTooMany ? window : undefined;
  }

  /** Takes out of the window what has been allowed since. */
  forget(isAllowed: (event: BadEvent) => boolean): void {
    const samples = this.#samples.splice(0);
    this.#records = 0;
    this.#letters = 0;
    this.#parked = 0;
    for (const sample of samples) this.note(lessAllowed(sample, isAllowed));
  }

  /** Counts a batch that has committed. */
  note(sample: BreakerSample): void {
    this.#takeUp(-sample.parked);
    const parked = Math.max(0, sample.parked);
    this.#samples.push({ ...sample, parked });
    this.#records += sample.records;
    this.#letters += sample.bad.length;
    this.#parked += parked;
    while (this.#samples.length > 1 && this.#records - this.#samples[0]!.records >= WINDOW_RECORDS) {
      const oldest = this.#samples.shift()!;
      this.#records -= oldest.records;
      this.#letters -= oldest.bad.length;
      this.#parked -= oldest.parked;
    }
  }

  /** Takes so many parked events out of the window, the oldest first, as releases do; those before the window aren't in it. */
  #takeUp(count: number): void {
    let left = count;
    for (let at = 0; left > 0 && this.#parked > 0; at++) {
      const sample = this.#samples[at]!;
      const taken = Math.min(left, sample.parked);
      this.#samples[at] = { ...sample, records: sample.records - taken, parked: sample.parked - taken };
      this.#records -= taken;
      this.#parked -= taken;
      left -= taken;
    }
  }
}

type Lettered = Pick<EncodedBatch, "partition" | "records">;

export const badEvent = ({ partition, records }: Lettered, { index }: Pick<Letter, "index">): BadEvent => ({
  partition,
  offset: records.offsetOf(index),
  schemaId: schemaIdOf(records.record(index).value),
});

/** The sample of a batch. `conflicting_duplicate` is no sign of a broken feed: a file published again, revised, is all that. */
export const sampleOf = (
  counts: Pick<BreakerSample, "records" | "parked">,
  batch: Lettered,
  letters: readonly Pick<Letter, "index" | "reason">[],
): BreakerSample => ({
  ...counts,
  bad: letters.filter(({ reason }) => reason !== "conflicting_duplicate").map((letter) => badEvent(batch, letter)),
});

/** What is allowed counts neither as bad nor as good. */
export function lessAllowed(sample: BreakerSample, isAllowed: (event: BadEvent) => boolean): BreakerSample {
  const left = sample.bad.filter((event) => !isAllowed(event));
  return { ...sample, records: sample.records - (sample.bad.length - left.length), bad: left };
}
