import type { TickEvent } from "../event/events.ts";

/** A bar on its way. */
export interface OpenBar {
  readonly interval: string;
  readonly start: number;
  readonly end: number;
  /** Of the first tick that went into it: where a restart begins again. */
  readonly firstOffset: number;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
  /** The broker's time of the last tick that went into it. */
  revisedUs: number;
  /** Order of the ticks that gave open and close: a late tick may come before or behind them. */
  openedAt: TickOrder;
  closedAt: TickOrder;
  /** Whether it has something to say that it hasn't said. */
  isDirty: boolean;
}

type TickOrder = readonly [timestamp: number, ns: number, offset: number];

export interface Interval {
  readonly name: string;
  readonly us: number;
}

interface BarCounts {
  /** Ticks that came too late for one of their bars at least. */
  late: number;
  /** Ticks that were there already, by their id. */
  duplicate: number;
  /** Bars whose beginning the log no longer holds: never told. */
  partial: number;
}

/**
 * 52 bits of a random id, as a number: a set of texts would hold each id's text, too. Of the half million trades of a
 * busy symbol's day, two are taken for one with a chance of 1 : 36,000.
 */
const idNumber = (id: string): number => Number.parseInt(id.slice(0, 8) + id.slice(9, 13) + id.slice(35), 16);

/**
 * The bars of one symbol, source and session. Its clock is the latest tick's time: a bar is told when that passes its
 * end, told again at another bar's end when late ticks have changed it, and closed for good `latenessUs` after its end.
 * The bars of the latest tick are open, so there is always one.
 */
export class BarBuilder {
  readonly #intervals: readonly Interval[];
  readonly #latenessUs: number;
  readonly #counts: BarCounts;
  readonly #bars = new Map<string, OpenBar>();
  /** The ticks of each open bar of the longest interval: a day published twice must not trade twice. */
  readonly #ids = new Map<number, Set<number>>();
  readonly #wholeFromUs: number;
  #clockUs = Number.NEGATIVE_INFINITY;
  /**
   * When bars are told next: the next end of one, or of the time in which it may change. Without the latter a pause could
   * forget a closed bar that a restart, which knows of no pause, would make again of its late ticks alone, and tell.
   */
  #nextEndUs = Number.POSITIVE_INFINITY;

  /**
   * @param intervals shortest first
   * @param wholeFromUs bars that begin before it miss ticks, and are never told
   */
  constructor(intervals: readonly Interval[], latenessUs: number, wholeFromUs: number, counts: BarCounts) {
    this.#intervals = intervals;
    this.#latenessUs = latenessUs;
    this.#wholeFromUs = wholeFromUs;
    this.#counts = counts;
  }

  /** @returns the bars that have become complete, or have been changed since they were told */
  add(tick: TickEvent, offset: number, publishedUs: number): OpenBar[] {
    this.#clockUs = Math.max(this.#clockUs, tick.timestamp);
    if (this.#isRepeat(tick)) {
      this.#counts.duplicate++;
      return [];
    }
    let isLate = false;
    for (const interval of this.#intervals) {
      if (!this.#apply(interval, tick, offset, publishedUs)) isLate = true;
    }
    if (isLate) this.#counts.late++;
    return this.#clockUs >= this.#nextEndUs ? this.told(this.#clockUs) : [];
  }

  /** The bars that ended by then and have something to say. Those that can't change any more are forgotten. */
  told(nowUs: number): OpenBar[] {
    const bars: OpenBar[] = [];
    this.#nextEndUs = Number.POSITIVE_INFINITY;
    for (const [key, bar] of this.#bars) {
      if (bar.isDirty && bar.end <= nowUs) {
        bar.isDirty = false;
        if (bar.start < this.#wholeFromUs) this.#counts.partial++;
        else bars.push({ ...bar });
      }
      if (this.#isClosed(bar.end)) this.#bars.delete(key);
      else this.#nextEndUs = Math.min(this.#nextEndUs, bar.end > this.#clockUs ? bar.end : bar.end + this.#latenessUs);
    }
    const longest = this.#intervals.at(-1)!.us;
    for (const start of this.#ids.keys()) if (this.#isClosed(start + longest)) this.#ids.delete(start);
    return bars.sort((a, b) => a.end - b.end || a.start - b.start);
  }

  /** The first tick of the oldest bar that may still change. */
  get oldest(): number {
    let oldest = Number.POSITIVE_INFINITY;
    for (const { firstOffset } of this.#bars.values()) oldest = Math.min(oldest, firstOffset);
    return oldest;
  }

  #isClosed(endUs: number): boolean {
    return endUs + this.#latenessUs <= this.#clockUs;
  }

  #isRepeat({ timestamp, market_data_id: id }: TickEvent): boolean {
    const { us } = this.#intervals.at(-1)!;
    const start = Math.floor(timestamp / us) * us;
    if (this.#isClosed(start + us)) return false;
    let ids = this.#ids.get(start);
    if (ids === undefined) {
      ids = new Set();
      this.#ids.set(start, ids);
    }
    const before = ids.size;
    return ids.add(idNumber(id)).size === before;
  }

  /** @returns whether the bar could still take it */
  #apply({ name, us }: Interval, tick: TickEvent, offset: number, publishedUs: number): boolean {
    const { timestamp, close: price, volume } = tick;
    const start = Math.floor(timestamp / us) * us;
    const end = start + us;
    if (this.#isClosed(end)) return false;
    const key = `${name} ${start}`;
    const at: TickOrder = [timestamp, tick.timestamp_ns ?? 0, offset];
    const bar = this.#bars.get(key);
    if (bar === undefined) {
      const prices = { open: price, high: price, low: price, close: price, volume };
      const times = { openedAt: at, closedAt: at, revisedUs: publishedUs };
      this.#bars.set(key, { interval: name, start, end, firstOffset: offset, ...prices, ...times, isDirty: true });
      this.#nextEndUs = Math.min(this.#nextEndUs, end);
      return true;
    }
    bar.high = Math.max(bar.high, price);
    bar.low = Math.min(bar.low, price);
    bar.volume += volume;
    if (isBefore(at, bar.openedAt)) [bar.open, bar.openedAt] = [price, at];
    if (isBefore(bar.closedAt, at)) [bar.close, bar.closedAt] = [price, at];
    bar.revisedUs = publishedUs;
    bar.isDirty = true;
    return true;
  }
}

function isBefore(a: TickOrder, b: TickOrder): boolean {
  for (const i of [0, 1, 2] as const) if (a[i] !== b[i]) return a[i] < b[i];
  return false;
}
