import { TradetapeError } from "../../errors.ts";
import type { Connection } from "../../table/connection.ts";
import { landedWindow } from "../../table/landing/ledger.ts";
import { LETTERS_MIN, WINDOW_RECORDS } from "./letter-breaker.ts";

/**
 * Stops a group most of whose events wait for parents that never came: a table emptied by hand, a feed that names
 * another feed's ids. Left alone the sweeps would empty the parking place into letters, of which each has to be
 * redriven when the cause is mended; what stays parked comes free by itself.
 *
 * The share is that of the events which landed beside them, by the ledger: expiry comes a deadline later, and a group
 * that was away for a day expires a day's strays in its first second, with nothing landed yet in this process. In memory
 * are only those expired last: a restarted group counts from zero, and trips again within `LETTERS_MIN`.
 */
export class OrphanBreaker {
  readonly #shareMax: number;
  /** When each of the expired was parked. */
  #expired: readonly number[] = [];

  /** @param shareMax orphans per record that may be; 1 never trips */
  constructor(shareMax: number) {
    this.#shareMax = shareMax;
  }

  /**
   * Whether these may become letters, too. Changes nothing that matters: they may not commit.
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

  /** Counts those whose letters have committed. */
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
