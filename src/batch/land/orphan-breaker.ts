import type { Connection } from "../../table/connection.ts";
import { landedWindow } from "../../table/landing/ledger.ts";
import { LETTERS_MIN, WINDOW_RECORDS } from "./letter-breaker.ts";

/**
 * Stops a group most of whose events wait for parents that never came: a table was emptied by hand, or a feed names
 * another feed's ids. Otherwise sweeps would make letters of all parked events, and each letter has to be redriven when the
 * cause is mended; an event that stays parked is released by itself.
 *
 * The orphans are counted against the events that landed when they parked, by the ledger. What lands now says nothing: an
 * orphan expires a deadline later, and a group that was away for a day expires a day's orphans in its first second, with
 * nothing landed yet. Only the last orphans are kept, in memory: a restarted group counts from zero, and trips again within
 * `LETTERS_MIN`.
 */
export class OrphanBreaker {
  readonly #shareMax: number;
  /** When each orphan that became a letter was parked. */
  #expired: readonly number[] = [];

  /** @param shareMax orphans per record that may be; 1 never trips */
  constructor(shareMax: number) {
    this.#shareMax = shareMax;
  }

  /**
   * Whether these orphans are too many to become letters, too. Doesn't count them, as they may not commit: `note` does.
   * @param parkedAtUs when each was parked, microseconds since 1970
   * @returns the orphans among the events of the time, if so
   */
  async trips(
    connection: Connection,
    topicName: string,
    parkedAtUs: readonly number[],
  ): Promise<{ readonly records: number; readonly letters: number } | undefined> {
    const all = [...this.#expired, ...parkedAtUs];
    if (all.length < LETTERS_MIN) return undefined;
    const lastUs = all.reduce((a, b) => Math.max(a, b));
    const { sinceUs, records } = await landedWindow(connection, topicName, lastUs, WINDOW_RECORDS);
    this.#expired = this.#expired.filter((at) => at >= sinceUs);
    const letters = all.filter((at) => at >= sinceUs).length;
    return letters >= LETTERS_MIN && letters > this.#shareMax * records ? { letters, records } : undefined;
  }

  /** Begins to count anew. */
  forget(): void {
    this.#expired = [];
  }

  /** Counts orphans whose letters have committed. */
  note(parkedAtUs: readonly number[]): void {
    this.#expired = [...this.#expired, ...parkedAtUs];
  }
}
