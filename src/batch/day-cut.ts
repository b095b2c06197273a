import type { Day } from "../table/days.ts";

/** The days of one batch, of which only so many may be new: making a partition takes locks and time. */
export class DayCut {
  readonly #known: ReadonlySet<Day>;
  readonly #newMax: number;
  readonly #days = new Set<Day>();
  #newDays = 0;
  #last: Day | undefined;

  /** @param known days whose partition is there */
  constructor(known: ReadonlySet<Day>, newMax: number) {
    this.#known = known;
    this.#newMax = newMax;
  }

  get all(): readonly Day[] {
    return [...this.#days];
  }

  /** Whether a row of this day may join the batch. */
  takes(day: Day): boolean {
    if (day === this.#last || this.#days.has(day)) return true;
    if (!this.#known.has(day)) {
      if (this.#newDays >= this.#newMax) return false;
      this.#newDays++;
    }
    this.#days.add(day);
    this.#last = day;
    return true;
  }
}
