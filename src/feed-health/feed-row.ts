import type { Exchange } from "../calendar/exchange.ts";
import type { Rhythm } from "./rhythm.ts";
import type { CountedBy } from "./sequence.ts";

export type FeedKind = "ticks" | "quotes";

/**
 * live: events come as they use to. quiet: one instrument is silent, its neighbours of the same feed go on. dead: nothing comes
 * of any instrument whose market is open. closed: no market of it is open. learning: too few events came to say. unjudged: no
 * calendar is known.
 */
type FeedState = "live" | "quiet" | "dead" | "closed" | "learning" | "unjudged";

/** A source's events of one kind and of one calendar's instruments. Times are UTC in ISO 8601. */
export interface FeedRow {
  readonly kind: FeedKind;
  readonly source: string;
  readonly calendar: string | null;
  readonly state: Exclude<FeedState, "quiet">;
  readonly lastAt: string | null;
  /** While the market is open: since the newest event, or the open if that was later. Null while it is closed or unjudged. */
  readonly silentSeconds: number | null;
  /** Whether it may have been silent for longer than what was looked at. */
  readonly isAtLeast: boolean;
  /** From when on a silence counts as dead. */
  readonly deadAfterSeconds: number;
  /** From the market's time of the newest event until the broker had it. */
  readonly delaySeconds: number | null;
  readonly crossed: number;
  readonly countedBy: CountedBy;
  readonly gaps: number | null;
  readonly lost: number | null;
  readonly instruments: readonly InstrumentRow[];
}

export interface InstrumentRow {
  readonly symbolId: string;
  readonly ticker: string | null;
  readonly exchange: string | null;
  readonly state: FeedState;
  readonly lastAt: string | null;
  readonly silentSeconds: number | null;
}

interface Judged {
  readonly state: "live" | "closed" | "learning" | "unjudged";
  readonly isSilent: boolean;
  readonly silentUs: number | null;
  readonly isAtLeast: boolean;
}

/** When, and what is known by then. */
interface At {
  readonly hours: Exchange | null;
  readonly openSinceUs: number | null;
  readonly nowUs: number;
  readonly lookedFromUs: number;
}

/** What is said of something that comes by its rhythm. */
export function heard(rhythm: Rhythm, { hours, openSinceUs, nowUs, lookedFromUs }: At): Judged {
  const untold = { isSilent: false, silentUs: null, isAtLeast: false };
  if (hours === null) return { state: "unjudged", ...untold };
  if (openSinceUs === null) return { state: "closed", ...untold };
  const saidUs = Math.max(rhythm.lastUs, openSinceUs);
  const isAtLeast = saidUs < lookedFromUs;
  const silentUs = Math.max(0, nowUs - Math.max(saidUs, lookedFromUs));
  if (!rhythm.isKnown) return { state: "learning", isSilent: false, silentUs, isAtLeast };
  return { state: "live", isSilent: silentUs > rhythm.silentAfterUs, silentUs, isAtLeast };
}
