/** What of a bar prices an order. */
export interface PricingBar {
  readonly source: string;
  /** Whether it is the session's own; else it is live. */
  readonly isOwn: boolean;
  readonly startUs: number;
  readonly open: number;
  /** When the trade that set the open was made, or, where `isExact` is false, the last moment at which it can have been. */
  readonly openedUs: number;
  readonly isExact: boolean;
}

/** Bars of one source, the session's own or live, in the order of time. */
export interface Series {
  readonly source: string;
  readonly isOwn: boolean;
  readonly bars: PricingBar[];
  /** The start of the latest one. */
  latestUs: number;
  /** The first of `bars` that an order may still need. */
  next: number;
}

/** Bars that no order needs any more are removed so many at a time, since each removal moves all the others. */
const SPENT_MAX = 1000;

export const keyOf = ({ source, isOwn }: Pick<PricingBar, "source" | "isOwn">) => `${isOwn ? "own" : "live"} ${source}`;

/** The first bar that begins at `us` or later; `us` never goes back. */
export function barFrom(series: Series, us: number): PricingBar | undefined {
  const { bars } = series;
  while (series.next < bars.length && bars[series.next]!.startUs < us) series.next++;
  if (series.next > SPENT_MAX) {
    bars.splice(0, series.next);
    series.next = 0;
  }
  return bars[series.next];
}
