import { IndicatorSet, type IndicatorValue } from "./indicators.ts";

/** Of a series this many bars are kept at least; one that comes later than so many others, or revises one, is left out. */
const BARS_MAX = 10_000;
/** After so many bars nothing is left, in a double, of how an average of ours began: (13/14)^1000 is 6e-33. */
const WARM_UP_BARS = 1000;

interface Close {
  readonly start: number;
  /** When it was known; null where nobody can tell. */
  readonly end: number | null;
  readonly close: number;
}

/** A value, and the end of the bar that it is of. */
interface Told {
  readonly end: number;
  readonly value: IndicatorValue;
}

/** What a series remembers. */
export interface SavedBars {
  readonly bars: readonly (Close & { readonly revisedUs: number })[];
  /** Whether bars before these were forgotten. */
  readonly isCut: boolean;
}

/** The closes of one symbol and source in the order of time, and what was made of each. */
export class IndicatorSeries {
  readonly #barsMax: number;
  #bars: (SavedBars["bars"][number] & { values: readonly IndicatorValue[] })[] = [];
  #set = new IndicatorSet();
  #isCut = false;

  constructor(barsMax = BARS_MAX) {
    this.#barsMax = barsMax;
  }

  /** The series that gave `saved`. */
  static of(saved: SavedBars, barsMax = BARS_MAX): IndicatorSeries {
    const series = new IndicatorSeries(barsMax);
    series.#refill(saved.bars);
    series.#isCut = saved.isCut;
    return series;
  }

  /** All that it remembers, as plain JSON values: its values follow from the closes. */
  save(): SavedBars {
    return { bars: this.#bars.map(({ values: _values, ...bar }) => bar), isCut: this.#isCut };
  }

  /**
   * Of a bar's revisions the latest counts, as it does in the table, whatever their order.
   * @param revisedUs the bar's, microseconds since 1970
   * @returns what is new or has changed, oldest first, but for bars whose end nobody knows
   */
  take({ start, end, close }: Close, revisedUs: number): Told[] {
    const last = this.#bars.at(-1);
    if (last === undefined || start > last.start) {
      const values = this.#set.add(close);
      this.#bars.push({ start, end, close, revisedUs, values });
      if (this.#bars.length > 2 * this.#barsMax + WARM_UP_BARS) {
        this.#refill(this.#bars.slice(-(this.#barsMax + WARM_UP_BARS)));
        this.#isCut = true;
      }
      return end === null ? [] : values.map((value) => ({ end, value }));
    }
    const at = this.#bars.findLastIndex((bar) => bar.start <= start);
    if (this.#isCut && at < WARM_UP_BARS) return [];
    if (this.#bars[at]?.start === start) {
      const known = this.#bars[at];
      if (revisedUs < known.revisedUs) return [];
      const isMoved = known.end !== end;
      this.#bars[at] = { start, end, close, revisedUs, values: isMoved ? [] : known.values };
      if (known.close === close && !isMoved) return [];
    } else this.#bars.splice(at + 1, 0, { start, end, close, revisedUs, values: [] });
    return this.#again(start);
  }

  /** What is known follows from the bars that are kept alone, so that a series that was saved goes on as this one does. */
  #refill(bars: SavedBars["bars"]): void {
    this.#set = new IndicatorSet();
    this.#bars = bars.map((bar) => ({ ...bar, values: this.#set.add(bar.close) }));
  }

  /** Nothing before the bar that changed has changed, though the first ones kept would begin anew. */
  #again(fromStart: number): Told[] {
    this.#set = new IndicatorSet();
    return this.#bars.flatMap((bar) => {
      const values = this.#set.add(bar.close);
      if (bar.start < fromStart) return [];
      const before = new Map(bar.values.map((value) => [nameOf(value), value.value]));
      bar.values = values;
      const { end } = bar;
      if (end === null) return [];
      const changed = values.filter((value) => before.get(nameOf(value)) !== value.value);
      return changed.map((value) => ({ end, value }));
    });
  }
}

const nameOf = ({ name, period }: IndicatorValue) => `${name} ${period}`;
