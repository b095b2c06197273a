import type { Day } from "../../event/day.ts";
import type { KnownDays } from "./known-days.ts";

/** The days of one batch. Only `newMax` of them may be new, because making a partition takes locks and time. */
export class DayCut {
  readonly #known: KnownDays;
  readonly #newMax: number;
  readonly #days = new Set<Day>();
  #newDays = 0;
  #last: Day | undefined;
  /** How many rows are of days that retention has dropped. */
  past = 0;

  /** @param known days whose partition is there */
  constructor(known: KnownDays, newMax: number) {
    this.#known = known;
    this.#newMax = newMax;
  }

  get all(): readonly Day[] {
    return [...this.#days];
  }

  /** Whether a row of this day goes in, is left out as its day was dropped, or ends the batch before it. */
  take(day: Day): "in" | "out" | "cut" {
    if (day === this.#last || this.#days.has(day)) return "in";
    if (this.#known.isPast(day)) {
      this.past++;
      return "out";
    }
    if (!this.#known.isThere(day)) {
      if (this.#newDays >= this.#newMax) return "cut";
      this.#newDays++;
    }
    this.#days.add(day);
    this.#last = day;
    return "in";
  }
}
