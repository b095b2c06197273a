/** Numbers that overtake one another come within that time; what is missing for longer is a gap. */
const LATE_US = 10_000_000;
/** So many ranges of missing numbers are waited for at a time; of more the oldest is a gap at once. */
const WAITED_MAX = 1000;

interface Missing {
  to: number;
  readonly sinceUs: number;
}

/** Numbers that a feed gives its events, one after another. */
export class Numbering {
  /** Different numbers that came. */
  count = 0;
  /** Ranges of numbers that never came. */
  gaps = 0;
  /** The numbers in them. */
  lost = 0;
  #first = 0;
  #highest = 0;
  /** What hasn't come yet, by its first number. */
  readonly #missing = new Map<number, Missing>();

  /** How many numbers there are from the first to the highest. */
  get span(): number {
    return this.count === 0 ? 0 : this.#highest - this.#first + 1;
  }

  /** @param us when it came */
  see(n: number, us: number): void {
    if (this.count === 0 || n < this.#first) {
      // What came before the first one was overtaken by it; nobody knows what lies between them.
      if (this.count === 0) this.#highest = n;
      else if (n < this.#first - 1) this.#wait(n + 1, { to: this.#first - 1, sinceUs: us });
      this.#first = n;
      this.count++;
    } else if (n > this.#highest) {
      if (n > this.#highest + 1) this.#wait(this.#highest + 1, { to: n - 1, sinceUs: us });
      this.#highest = n;
      this.count++;
    } else this.#fill(n);
    this.settle(us);
  }

  /** Counts as gaps what has been missing for too long. */
  settle(nowUs: number): void {
    for (const [from, { to, sinceUs }] of this.#missing) {
      if (nowUs - sinceUs <= LATE_US && this.#missing.size <= WAITED_MAX) break;
      this.#missing.delete(from);
      this.gaps++;
      this.lost += to - from + 1;
    }
  }

  #wait(from: number, missing: Missing): void {
    this.#missing.set(from, missing);
  }

  /** A number among those that are behind; one that isn't missing came before. */
  #fill(n: number): void {
    for (const [from, missing] of this.#missing) {
      if (n < from || n > missing.to) continue;
      const { to } = missing;
      if (n === from) this.#missing.delete(from);
      else missing.to = n - 1;
      if (n < to) this.#wait(n + 1, { to, sinceUs: missing.sinceUs });
      this.count++;
      return;
    }
  }
}
