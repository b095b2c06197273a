import { type Day, dayOf } from "../../event/day.ts";
import { makeDays } from "../../table/landing/days.ts";
import type { SessionSource } from "../../table/pool/session-pool.ts";
import type { EncodedBatch } from "./encoded-batch.ts";

/**
 * What a group knows of its table's day partitions: which are there, and which days retention has dropped for ever. A group
 * begins with the days that are there, and asks the database as batches need others. A day that is dropped meanwhile is found out
 * by the first row that PostgreSQL has no partition for.
 */
export class KnownDays {
  readonly #table: string;
  readonly #ahead: number;
  readonly #there: Set<Day>;
  readonly #past = new Set<Day>();

  /**
   * @param ahead how many days are made in advance behind a day that isn't over yet
   * @param there days whose partition is there
   */
  constructor(table: string, ahead = 0, there: Iterable<Day> = []) {
    this.#table = table;
    this.#ahead = ahead;
    this.#there = new Set(there);
  }

  isThere(day: Day): boolean {
    return this.#there.has(day);
  }

  isPast(day: Day): boolean {
    return this.#past.has(day);
  }

  /** Forgets which are there, because one of them was dropped: the next batches ask the database anew. */
  forget(): void {
    this.#there.clear();
  }

  /** Makes the partitions that a batch needs and that aren't known to be there. */
  async make(sessions: SessionSource, batch: EncodedBatch): Promise<void> {
    const wanted = this.#wantedBy(batch).filter((day) => !this.#there.has(day) && !this.#past.has(day));
    if (wanted.length === 0) return;
    const past = await sessions.use((connection) => makeDays(connection, this.#table, wanted));
    for (const day of wanted) (past.includes(day) ? this.#past : this.#there).add(day);
  }

  /**
   * A batch's days, and `ahead` days behind a day that isn't over: so at midnight the new day's partition is there, and a
   * missing right or a lock in the way shows while there is time. Today is the broker's, so that a file of an old year makes
   * no days in advance.
   */
  #wantedBy({ days, records, to }: EncodedBatch): readonly Day[] {
    if (days.length === 0) return days;
    const today = dayOf(records.publishedAtMs(to - 1) * 1000);
    const ahead = days
      .filter((day) => day >= today)
      .flatMap((day) => Array.from({ length: this.#ahead }, (_, index) => day + 1 + index));
    return [...new Set([...days, ...ahead])];
  }
}
