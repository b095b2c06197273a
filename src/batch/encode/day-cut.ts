import type { Day } from "../../table/landing/days.ts";
import type { TickDays } from "./tick-days.ts";

/** The days of one batch, of which only so many may be new: making a partition takes locks and time. */
export class DayCut {
  readonly #known: TickDays;
  readonly #newMax: number;
  readonly #days = new Set<Day>();
  #newDays = 0;
  #last: Day | undefined;
  /** Rows of days behind the horizon of retention. */
  past = 0;

  /** @param known days whose partition is there */
  constructor(known: TickDays, newMax: number) {
    this.#known = known;
    this.#newMax = newMax;
  }

  get all(): readonly Day[] {
    return [...this.#days];
  }

  /** Whether a row of this day joins the batch, is of a day that was dropped, or needs a batch of its own. */
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
