import type { Exchange } from "../calendar/exchange.ts";
import { type FeedKind, type FeedRow, heard, type InstrumentRow } from "./feed-row.ts";
import { Rhythm } from "./rhythm.ts";
import { Sequence } from "./sequence.ts";

/** A tick or a quote as it came. Times are microseconds since 1970, UTC. */
export interface Arrival {
  readonly kind: FeedKind;
  readonly symbolId: string;
  readonly source: string;
  readonly venue: string | null;
  /** The market's time. */
  readonly timestampUs: number;
  /** When the broker got it. */
  readonly publishedUs: number;
  /** Its number in the feed: a tick's trade_id, a quote's sequence. */
  readonly sequence: string | null;
  /** Of a quote, whether its bid lies above its ask. */
  readonly isCrossed: boolean;
}

/** What is known of an instrument. */
export interface Listed {
  readonly ticker: string | null;
  readonly exchange: string | null;
  /** Null where nobody has said which calendar its exchange has. */
  readonly hours: Exchange | null;
}

/** What comes that long behind the market's own time was loaded from somewhere: no feed is judged by it. */
const LIVE_WITHIN_US = 900_000_000;

interface Feed {
  readonly kind: FeedKind;
  readonly source: string;
  readonly hours: Exchange | null;
  readonly rhythm: Rhythm;
  readonly instruments: Map<string, Rhythm>;
  readonly sequence: Sequence;
  delayUs: number | null;
  crossed: number;
}

/** Whether feeds say what they use to, judged by events as they come; pure but for what it remembers of them. */
export class FeedHealth {
  /** Events that were loaded from somewhere, by no feed as it goes on. */
  loaded = 0;
  readonly #instrumentOf: (symbolId: string) => Listed;
  readonly #feeds = new Map<string, Feed>();

  constructor(instrumentOf: (symbolId: string) => Listed) {
    this.#instrumentOf = instrumentOf;
  }

  take(arrival: Arrival): void {
    const { symbolId, publishedUs, timestampUs } = arrival;
    if (Math.abs(publishedUs - timestampUs) > LIVE_WITHIN_US) {
      this.loaded++;
      return;
    }
    const { hours } = this.#instrumentOf(symbolId);
    const feed = this.#feedOf(arrival, hours);
    const openSinceUs = hours?.openSince(publishedUs) ?? null;
    feed.rhythm.arrive(publishedUs, openSinceUs);
    let rhythm = feed.instruments.get(symbolId);
    if (rhythm === undefined) {
      rhythm = new Rhythm();
      feed.instruments.set(symbolId, rhythm);
      if (hours !== null) this.#forgetUnjudged(arrival);
    }
    rhythm.arrive(publishedUs, openSinceUs);
    feed.delayUs = publishedUs - timestampUs;
    if (arrival.isCrossed) feed.crossed++;
    feed.sequence.see(`${symbolId} ${arrival.venue ?? ""}`, arrival.sequence, timestampUs, publishedUs);
  }

  /**
   * How each feed does.
   * @param nowUs microseconds since 1970; what was published until then has been taken
   * @param lookedFromUs from when on all was looked at without a break
   */
  report(nowUs: number, lookedFromUs: number): FeedRow[] {
    const rows = [...this.#feeds.values()].map((feed) => this.#row(feed, nowUs, lookedFromUs));
    return rows.sort((a, b) => byName(a.source, b.source) || byName(a.kind, b.kind) || byName(a.calendar, b.calendar));
  }

  #feedOf({ kind, source }: Arrival, hours: Exchange | null): Feed {
    const key = keyOf(kind, source, hours);
    let feed = this.#feeds.get(key);
    if (feed === undefined) {
      const rhythm = new Rhythm();
      const sequence = new Sequence();
      feed = { kind, source, hours, rhythm, instruments: new Map(), sequence, delayUs: null, crossed: 0 };
      this.#feeds.set(key, feed);
    }
    return feed;
  }

  /** An instrument that came before it was known which calendar it has counts once. */
  #forgetUnjudged({ kind, source, symbolId }: Arrival): void {
    const key = keyOf(kind, source, null);
    const unjudged = this.#feeds.get(key);
    unjudged?.instruments.delete(symbolId);
    if (unjudged?.instruments.size === 0) this.#feeds.delete(key);
  }

  #row(feed: Feed, nowUs: number, lookedFromUs: number): FeedRow {
    const { kind, source, hours, rhythm, delayUs, crossed, sequence } = feed;
    const openSinceUs = hours?.openSince(nowUs) ?? null;
    const judged = heard(rhythm, { hours, openSinceUs, nowUs, lookedFromUs });
    const state = judged.isSilent ? "dead" : judged.state;
    const instruments = [...feed.instruments].map(([symbolId, own]): InstrumentRow => {
      const one = heard(own, { hours, openSinceUs, nowUs, lookedFromUs });
      const { ticker, exchange } = this.#instrumentOf(symbolId);
      const says = one.isSilent ? "quiet" : one.state;
      return {
        symbolId,
        ticker,
        exchange,
        state: state === "dead" ? state : says,
        lastAt: isoOf(own.lastUs),
        silentSeconds: secondsOf(one.silentUs),
      };
    });
    const gaps = sequence.gaps(nowUs);
    return {
      kind,
      source,
      calendar: hours?.name ?? null,
      state,
      lastAt: isoOf(rhythm.lastUs),
      silentSeconds: secondsOf(judged.silentUs),
      isAtLeast: judged.isAtLeast,
      deadAfterSeconds: rhythm.silentAfterUs / 1e6,
      delaySeconds: delayUs === null ? null : delayUs / 1e6,
      crossed,
      countedBy: sequence.countedBy,
      gaps: gaps?.gaps ?? null,
      lost: gaps?.lost ?? null,
      instruments: instruments.sort((a, b) => byName(a.ticker, b.ticker) || byName(a.exchange, b.exchange)),
    };
  }
}

const keyOf = (kind: FeedKind, source: string, hours: Exchange | null) => `${kind} ${hours?.name ?? ""} ${source}`;

const secondsOf = (us: number | null): number | null => (us === null ? null : us / 1e6);
const isoOf = (us: number): string | null => (Number.isFinite(us) ? new Date(us / 1000).toISOString() : null);
const byName = (a: string | null, b: string | null): number => compare(a ?? "", b ?? "");
const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));
