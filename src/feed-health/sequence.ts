import { type Day, dayOf } from "../event/day.ts";
import { Numbering } from "./numbering.ts";

/** So many numbers are looked at before it is said what a feed counts by. */
const JUDGED_AFTER = 200;
/** Of the numbers from a first to a last one that many have come, where something is counted by them. */
const DENSE = 0.9;
const DIGITS_MAX = 15;

/** What a feed's numbers count: the events of each instrument and venue, all of its events, or nothing that can be told. */
export type CountedBy = "instrument" | "feed" | "unknown" | "nothing";

/**
 * Gaps in the numbers that one feed gives its events. Formats don't say what numbers count, so they are asked themselves: where
 * those of each instrument are dense, they count its events; else, where all of them together are, the feed's.
 */
export class Sequence {
  countedBy: CountedBy = "unknown";
  #day: Day = Number.NaN;
  #byInstrument = new Map<string, Numbering>();
  #all = new Numbering();
  #seen = 0;
  /** Of days before. */
  #gapsBefore = 0;
  #lostBefore = 0;

  /**
   * @param text the event's number in the feed; what isn't one is passed over
   * @param us when it came
   */
  see(instrument: string, text: string | null, timestampUs: number, us: number): void {
    const n = this.countedBy === "nothing" ? undefined : numberOf(text);
    if (n === undefined) return;
    const day = dayOf(timestampUs);
    // Numbers begin anew with a day; a straggler of the day before is of no use to either.
    if (day < this.#day) return;
    if (day !== this.#day) this.#begin(day, us);
    if (this.countedBy !== "feed") this.#of(instrument).see(n, us);
    if (this.countedBy !== "instrument") this.#all.see(n, us);
    this.#seen++;
    if (this.countedBy === "unknown" && this.#seen >= JUDGED_AFTER) this.#judge();
  }

  /** Ranges of numbers that never came, and how many numbers are in them; null where it isn't known what they count. */
  gaps(nowUs: number): { readonly gaps: number; readonly lost: number } | null {
    if (this.countedBy !== "instrument" && this.countedBy !== "feed") return null;
    const sum = { gaps: this.#gapsBefore, lost: this.#lostBefore };
    for (const numbering of this.#counted()) {
      numbering.settle(nowUs);
      sum.gaps += numbering.gaps;
      sum.lost += numbering.lost;
    }
    return sum;
  }

  #begin(day: Day, us: number): void {
    const { gaps, lost } = this.gaps(us) ?? { gaps: 0, lost: 0 };
    this.#day = day;
    this.#gapsBefore = gaps;
    this.#lostBefore = lost;
    this.#byInstrument = new Map();
    this.#all = new Numbering();
  }

  #judge(): void {
    const each = [...this.#byInstrument.values()].filter(({ count }) => count > 1);
    const came = each.reduce((sum, { count }) => sum + count, 0);
    const wanted = each.reduce((sum, { span }) => sum + span, 0);
    if (came >= JUDGED_AFTER / 2 && came >= DENSE * wanted) {
      this.countedBy = "instrument";
      this.#all = new Numbering();
    } else {
      this.countedBy = this.#all.count >= DENSE * this.#all.span ? "feed" : "nothing";
      this.#byInstrument = new Map();
    }
  }

  #counted(): Iterable<Numbering> {
    return this.countedBy === "instrument" ? this.#byInstrument.values() : [this.#all];
  }

  #of(instrument: string): Numbering {
    let numbering = this.#byInstrument.get(instrument);
    if (numbering === undefined) {
      numbering = new Numbering();
      this.#byInstrument.set(instrument, numbering);
    }
    return numbering;
  }
}

function numberOf(text: string | null): number | undefined {
  if (text === null || text.length === 0 || text.length > DIGITS_MAX) return undefined;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return undefined;
  }
  return Number(text);
}
