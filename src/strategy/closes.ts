import { type Day, dayOf } from "../event/day.ts";
import type { DayClose } from "./account.ts";

/** What of a bar tells a close. */
export interface ClosingBar {
  readonly source: string;
  /** Null is live. */
  readonly session: string | null;
  readonly startUs: number;
  readonly endUs: number;
  readonly close: number;
  /** Which revision of the bar this is. */
  readonly revisedUs: number;
}

/** Bars of one length, source and session. */
interface Series {
  readonly source: string;
  readonly session: string | null;
  /** The bar that ends last on each UTC day. */
  readonly lastBars: Map<Day, ClosingBar>;
}

/** The closes of one instrument's bars: the last one of each UTC day, by series. */
export class Closes {
  readonly #series = new Map<string, Series>();

  take(bar: ClosingBar): void {
    const { source, session } = bar;
    const key = JSON.stringify([source, session]);
    const series = this.#series.get(key) ?? { source, session, lastBars: new Map<Day, ClosingBar>() };
    this.#series.set(key, series);
    const day = dayOf(bar.endUs - 1);
    const last = series.lastBars.get(day);
    const isRevised = bar.startUs === last?.startUs && bar.revisedUs >= last.revisedUs;
    if (last === undefined || bar.startUs > last.startUs || isRevised) series.lastBars.set(day, bar);
  }

  /** The closes that count: taken again, they make the same. */
  save(): ClosingBar[] {
    return [...this.#series.values()].flatMap(({ lastBars }) => [...lastBars.values()]);
  }

  /**
   * The one series that positions are marked with: the session's own bars where the session has any, else live ones; of
   * the source that was told, or of the only one there is. Null where there are none, or several: closes of two sources
   * may be adjusted and raw, or of two currencies, and which are meant can't be known.
   * @param source null where none was told
   */
  series(source: string | null): { readonly source: string; readonly marks: readonly DayClose[] } | null {
    const told = [...this.#series.values()].filter((series) => source === null || series.source === source);
    const own = told.filter(({ session }) => session !== null);
    const [series, second] = own.length > 0 ? own : told;
    if (series === undefined || second !== undefined) return null;
    const bars = [...series.lastBars.values()].sort((a, b) => a.endUs - b.endUs);
    return { source: series.source, marks: bars.map(({ endUs, close }) => ({ endUs, price: close })) };
  }
}
