/** Nothing is told of silences shorter than that, however busy a feed is: a broker's or a network's hiccup is no outage. */
const SILENT_MIN_US = 30_000_000;
/** Of arrivals at random, one gap in 500 million is twenty times as long as they are on the average (e^-20). */
const MEAN_GAPS = 20;
/** Arrivals aren't at random: what was silent for a minute before may be so again. */
const LONGEST_GAPS = 2;
/** So many gaps are seen before a silence is judged, and weigh in the average. */
const KNOWN_AFTER = 20;
const WEIGHED = 100;

/** How often something comes while its market is open. */
export class Rhythm {
  /** When the newest came, microseconds since 1970. */
  lastUs = Number.NEGATIVE_INFINITY;
  #meanUs = 0;
  #longestUs = 0;
  #gaps = 0;

  /**
   * @param us when it came; what came before the newest is no gap
   * @param openSinceUs since when its market has been open, null where it is closed
   */
  arrive(us: number, openSinceUs: number | null): void {
    const lastUs = this.lastUs;
    if (us <= lastUs) return;
    this.lastUs = us;
    if (openSinceUs === null || lastUs < openSinceUs) return;
    const gapUs = us - lastUs;
    const isOutage = this.isKnown && gapUs > this.silentAfterUs;
    this.#gaps++;
    // An outage is no rhythm, but a feed that has become slower comes to be known by more and more of its gaps.
    const countedUs = isOutage ? this.silentAfterUs : gapUs;
    this.#meanUs += (countedUs - this.#meanUs) / Math.min(this.#gaps, WEIGHED);
    if (!isOutage) this.#longestUs = Math.max(this.#longestUs, gapUs);
  }

  /** Whether enough has come to say that it is silent. */
  get isKnown(): boolean {
    return this.#gaps >= KNOWN_AFTER;
  }

  /** How long it may say nothing while its market is open. */
  get silentAfterUs(): number {
    return Math.max(SILENT_MIN_US, MEAN_GAPS * this.#meanUs, LONGEST_GAPS * this.#longestUs);
  }
}
