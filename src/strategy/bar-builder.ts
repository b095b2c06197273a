import type { TickEvent } from "../event/events.ts";
import { SETS } from "./prints.ts";

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
  /** Order of the ticks that gave open and close, a late tick may come before or behind them; null before there is one. */
  openedAt: TickOrder | null;
  closedAt: TickOrder | null;
  /** Whether it has something to say that it hasn't said. */
  isDirty: boolean;
}

type TickOrder = readonly [timestamp: number, ns: number, offset: number];

/** One length of bars. */
interface Interval {
  readonly name: string;
  /** Where the bar begins and ends that a moment belongs to; null where it belongs to none, as between sessions. */
  readonly spanOf: (us: number) => { readonly start: number; readonly end: number } | null;
  /** Whether its bars last a day or more, so that a trade that is told late is still one of them. */
  readonly isLong: boolean;
}

interface BarCounts {
  /** Ticks that came too late for one of their bars at least. */
  late: number;
  /** Ticks that were there already, by their id. */
  duplicate: number;
  /** Bars whose beginning the log no longer holds: never told. */
  partial: number;
  /** Ticks outside of all bars, as those between two sessions of an exchange. */
  outside: number;
  /** Bars none of whose trades set a price, as odd lots don't: never told. */
  unpriced: number;
}

/**
 * 52 bits of a random id, as a number: a set of texts would hold each id's text, too. Of the half million trades of a
 * busy symbol's day, two are taken for one with a chance of 1 : 36,000.
 */
const idNumber = (id: string): number => Number.parseInt(id.slice(0, 8) + id.slice(9, 13) + id.slice(35), 16);

/**
 * The bars of one symbol, source and session. Its clock is the latest tick's time: a bar is told when that passes its
 * end, told again at another bar's end when late ticks have changed it, and closed for good `latenessUs` after its end.
 */
export class BarBuilder {
  readonly #intervals: readonly Interval[];
  readonly #latenessUs: number;
  readonly #counts: BarCounts;
  readonly #bars = new Map<string, OpenBar>();
  /** The ticks of each open bar of the longest interval, by its end: a day published twice must not trade twice. */
  readonly #ids = new Map<number, Set<number>>();
  readonly #wholeFromUs: number;
  #clockUs = Number.NEGATIVE_INFINITY;
  /** Of the tick that has the clock's time: without it a restart would take a late tick for the first of its bar. */
  #clockOffset = Number.POSITIVE_INFINITY;
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

  /**
   * @param sets what the tick may set, of `SETS`
   * @returns the bars that have become complete, or have been changed since they were told
   */
  add(tick: TickEvent, offset: number, publishedUs: number, sets: number): OpenBar[] {
    if (tick.timestamp > this.#clockUs) [this.#clockUs, this.#clockOffset] = [tick.timestamp, offset];
    const longest = this.#intervals.at(-1)!.spanOf(tick.timestamp);
    if (longest === null) this.#counts.outside++;
    else if (this.#isRepeat(tick, longest.end)) this.#counts.duplicate++;
    else {
      let isLate = false;
      for (const interval of this.#intervals) {
        if (!this.#apply(interval, tick, offset, publishedUs, sets)) isLate = true;
      }
      if (isLate) this.#counts.late++;
    }
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
        else if (bar.closedAt === null) this.#counts.unpriced++;
        else bars.push({ ...bar });
      }
      if (this.#isClosed(bar.end)) this.#bars.delete(key);
      else this.#nextEndUs = Math.min(this.#nextEndUs, bar.end > this.#clockUs ? bar.end : bar.end + this.#latenessUs);
    }
    for (const end of this.#ids.keys()) if (this.#isClosed(end)) this.#ids.delete(end);
    return bars.sort((a, b) => a.end - b.end || a.start - b.start);
  }

  /** The first tick of the oldest bar that may still change; the latest tick of all, where none may. */
  get oldest(): number {
    let oldest = this.#clockOffset;
    for (const { firstOffset } of this.#bars.values()) oldest = Math.min(oldest, firstOffset);
    return oldest;
  }

  /** How many bars were told though no tick lies behind their end yet. */
  get open(): number {
    return [...this.#bars.values()].filter(
      ({ isDirty, closedAt, start, end }) =>
        !isDirty && closedAt !== null && start >= this.#wholeFromUs && end > this.#clockUs,
    ).length;
  }

  #isClosed(endUs: number): boolean {
    return endUs + this.#latenessUs <= this.#clockUs;
  }

  #isRepeat({ market_data_id: id }: TickEvent, end: number): boolean {
    if (this.#isClosed(end)) return false;
    let ids = this.#ids.get(end);
    if (ids === undefined) {
      ids = new Set();
      this.#ids.set(end, ids);
    }
    const before = ids.size;
    return ids.add(idNumber(id)).size === before;
  }

  /** @returns whether the bar could still take it */
  #apply(interval: Interval, tick: TickEvent, offset: number, publishedUs: number, sets: number): boolean {
    const { start, end } = interval.spanOf(tick.timestamp)!;
    if (this.#isClosed(end)) return false;
    const key = `${interval.name} ${start}`;
    let bar = this.#bars.get(key);
    if (bar === undefined) {
      bar = openBar(interval.name, start, end, offset);
      this.#bars.set(key, bar);
      this.#nextEndUs = Math.min(this.#nextEndUs, end);
    }
    const { close: price, volume } = tick;
    if (sets & SETS.volume) bar.volume += volume;
    if (sets & (interval.isLong ? SETS.longRange : SETS.range)) {
      bar.high = Math.max(bar.high, price);
      bar.low = Math.min(bar.low, price);
    }
    if (sets & SETS.last) {
      const at: TickOrder = [tick.timestamp, tick.timestamp_ns ?? 0, offset];
      if (bar.openedAt === null || isBefore(at, bar.openedAt)) [bar.open, bar.openedAt] = [price, at];
      if (bar.closedAt === null || isBefore(bar.closedAt, at)) [bar.close, bar.closedAt] = [price, at];
    }
    bar.revisedUs = publishedUs;
    bar.isDirty = true;
    return true;
  }
}

/** A bar without a trade: its prices are none yet. */
function openBar(interval: string, start: number, end: number, firstOffset: number): OpenBar {
  const range = { high: Number.NEGATIVE_INFINITY, low: Number.POSITIVE_INFINITY };
  const prices = { open: Number.NaN, ...range, close: Number.NaN, volume: 0 };
  const times = { openedAt: null, closedAt: null, revisedUs: 0 };
  return { interval, start, end, firstOffset, ...prices, ...times, isDirty: false };
}

function isBefore(a: TickOrder, b: TickOrder): boolean {
  for (const i of [0, 1, 2] as const) if (a[i] !== b[i]) return a[i] < b[i];
  return false;
}
