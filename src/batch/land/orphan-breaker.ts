import { TradetapeError } from "../../errors.ts";
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
   * Checks whether these orphans may become letters, too. Doesn't count them, as they may not commit: `note` does.
   * @param parkedAtUs when each was parked, microseconds since 1970
   * @throws TradetapeError too_many_letters
   */
  async check(connection: Connection, topicName: string, parkedAtUs: readonly number[]): Promise<void> {
    const all = [...this.#expired, ...parkedAtUs];
    if (all.length < LETTERS_MIN) return;
    const lastUs = all.reduce((a, b) => Math.max(a, b));
    const { sinceUs, records } = await landedWindow(connection, topicName, lastUs, WINDOW_RECORDS);
    this.#expired = this.#expired.filter((at) => at >= sinceUs);
    const letters = all.filter((at) => at >= sinceUs).length;
    if (letters >= LETTERS_MIN && letters > this.#shareMax * records) throw tooManyOrphans(topicName, letters, records);
  }

  /** Counts orphans whose letters have committed. */
  note(parkedAtUs: readonly number[]): void {
    this.#expired = [...this.#expired, ...parkedAtUs];
  }
}

const tooManyOrphans = (topicName: string, letters: number, records: number): TradetapeError =>
  new TradetapeError("too_many_letters", `${topicName}: the parents of ${letters} of ${records} events never came`, {
    next:
      "The last of them stay parked, nothing is lost. See what they miss: `tradetape parked`. Publish that, or let them " +
      "become letters with TRADETAPE_LETTER_SHARE_MAX=1, and consume again.",
  });
