import type { Connection } from "../../table/connection.ts";
import { landedWindow } from "../../table/landing/ledger.ts";
import { type BadEvent, LETTERS_MIN, WINDOW_RECORDS } from "./letter-breaker.ts";

/** An event whose parent never came. */
export interface Orphan extends BadEvent {
  /** When it was parked, microseconds since 1970. */
  readonly parkedAtUs: number;
}

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
  /** Those that became letters. */
  #expired: readonly Orphan[] = [];

  /** @param shareMax orphans per record that may be; 1 never trips */
  constructor(shareMax: number) {
    this.#shareMax = shareMax;
  }

  /**
   * Whether these orphans are too many to become letters, too. Doesn't count them, as they may not commit: `note` does.
   * @returns the orphans among the events of the time, if so
   */
  async trips(
    connection: Connection,
    topicName: string,
    orphans: readonly Orphan[],
  ): Promise<{ readonly records: number; readonly letters: number } | undefined> {
    const all = [...this.#expired, ...orphans];
    if (all.length < LETTERS_MIN) return undefined;
    const lastUs = all.reduce((last, { parkedAtUs }) => Math.max(last, parkedAtUs), 0);
    const { sinceUs, records } = await landedWindow(connection, topicName, lastUs, WINDOW_RECORDS);
    this.#expired = this.#expired.filter(({ parkedAtUs }) => parkedAtUs >= sinceUs);
    const letters = all.filter(({ parkedAtUs }) => parkedAtUs >= sinceUs).length;
    return letters >= LETTERS_MIN && letters > this.#shareMax * records ? { letters, records } : undefined;
  }

  /** Takes out what has been allowed since. */
  forget(isAllowed: (event: BadEvent) => boolean): void {
    this.#expired = this.#expired.filter((orphan) => !isAllowed(orphan));
  }

  /** Counts orphans whose letters have committed. */
  note(orphans: readonly Orphan[]): void {
    this.#expired = [...this.#expired, ...orphans];
  }
}
