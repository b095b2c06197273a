import { type Day, dayOf } from "../../event/day.ts";
import { makeDays } from "../../table/landing/days.ts";
import type { ConnectionSlot } from "../../table/slot.ts";
import type { EncodedBatch } from "./encoded-batch.ts";

/**
 * What a group knows of its table's day partitions: which are there, and which are of days that retention has dropped and
 * will never be there again. Learnt as batches need them; the database alone knows.
 */
export class KnownDays {
  readonly #table: string;
  readonly #ahead: number;
  readonly #there: Set<Day>;
  readonly #past = new Set<Day>();

  /** @param ahead days that are made behind a day that isn't over yet */
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

  /** One that was there has been dropped: asks for all of them anew. */
  forget(): void {
    this.#there.clear();
  }

  /** Makes what a batch needs and isn't there yet. */
  async make(slot: ConnectionSlot, batch: EncodedBatch): Promise<void> {
    const wanted = this.#wantedBy(batch).filter((day) => !this.#there.has(day) && !this.#past.has(day));
    if (wanted.length === 0) return;
    const past = await slot.use((connection) => makeDays(connection, this.#table, wanted));
    for (const day of wanted) (past.includes(day) ? this.#past : this.#there).add(day);
  }

  /**
   * Its days, and the next ones of a day that isn't over: at midnight the new day's partition is there, and a right or
   * a lock that is in the way shows while there is time. By the broker's clock, so that a file of an old year makes none.
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
