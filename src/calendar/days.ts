import { DateTime } from "luxon";
import { TradetapeError } from "../errors.ts";
import { DAY_MS } from "../event/day.ts";
import { fixedMicros, partsOfInterval } from "../feed/interval.ts";
import { ZoneClock } from "../feed/zone.ts";
import type { Hours } from "./calendar-facts.ts";
import { Exchange, type TradingSession } from "./exchange.ts";

/** Where a bar begins and where it ends, which isn't counted in, in microseconds since 1970 UTC. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** The span that a moment lies in, null outside of all. */
type SpanOf = (us: number) => Span | null;

/** Days, weeks and months as a market or a time zone has them. */
export interface Days {
  /** As sources name them: America/New_York, XNYS-regular. */
  readonly name: string;
  /** Whether trades in extended hours are outside of all spans. */
  readonly isRegular: boolean;
  /** @throws TradetapeError input_invalid for several days, weeks or months, as nobody knows where they begin */
  spansOf(interval: string): SpanOf;
}

type Unit = "day" | "week" | "month";
const UNITS: Readonly<Record<string, Unit>> = { d: "day", w: "week", mo: "month" };

/** Spans of one length, counted from 1970 on. */
export function utcSpans(lengthUs: number): SpanOf {
  return remembering((us) => {
    const start = Math.floor(us / lengthUs) * lengthUs;
    return { start, end: start + lengthUs };
  });
}

/**
 * The days of a time zone, from midnight to midnight; weeks begin on Monday. Shorter bars are counted from midnight, and the
 * last one ends with the day.
 * @throws TradetapeError input_invalid for a name that isn't in the time zone database
 */
export function zoneDays(zone: string): Days {
  const { name } = new ZoneClock(zone);
  const unitSpans = (unit: Unit) =>
    remembering((us) => {
      const start = DateTime.fromMillis(Math.floor(us / 1000), { zone: name }).startOf(unit);
      const end = start.plus({ [unit]: 1 }).startOf(unit);
      return { start: start.toMillis() * 1000, end: end.toMillis() * 1000 };
    });
  return {
    name,
    isRegular: false,
    spansOf: (interval) => {
      const lengthUs = fixedMicros(interval);
      if (lengthUs === null) return unitSpans(unitOf(interval));
      const dayOf = unitSpans("day");
      return remembering((us) => partOf(dayOf(us), lengthUs, us));
    },
  };
}

/**
 * The sessions of an exchange. Shorter bars are counted from the open, so that none straddles it, and the last one ends at
 * the close; weeks and months reach from the open of their first session to the close of their last one.
 * @throws TradetapeError input_invalid for a name or hours that no calendar has
 */
export function exchangeDays(calendar: string, hours: Hours): Days {
  const exchange = new Exchange(calendar, hours);
  return {
    name: `${calendar}-${hours}`,
    isRegular: hours === "regular",
    spansOf: (interval) => {
      const lengthUs = fixedMicros(interval);
      const unit = lengthUs === null ? unitOf(interval) : undefined;
      const spanOf = remembering((us) => {
        const session = exchange.sessionOf(us)!;
        if (unit === undefined) return partOf({ start: session.open, end: session.close }, lengthUs!, us);
        return sessionsOf(exchange, session, unit);
      });
      return (us) => (exchange.sessionOf(us) === null ? null : spanOf(us));
    },
  };
}

/** Asks again only when a time lies outside of the span that the last one lay in. */
function remembering(spanOf: (us: number) => Span): (us: number) => Span {
  let last: Span | undefined;
  return (us) => {
    if (last === undefined || us < last.start || us >= last.end) last = spanOf(us);
    return last;
  };
}

function unitOf(interval: string): Unit {
  const parts = partsOfInterval(interval);
  const unit = parts?.count === 1 ? UNITS[parts.unit] : undefined;
  if (unit !== undefined) return unit;
  throw new TradetapeError("input_invalid", `nobody knows on which day bars of ${interval} begin`, {
    next: "Use lengths up to hours, 1d, 1w or 1mo.",
  });
}

/** The part of a day or session, counted from its start, in which a moment lies; the last one ends with the whole. */
function partOf(whole: Span, lengthUs: number, us: number): Span {
  const start = whole.start + Math.floor((us - whole.start) / lengthUs) * lengthUs;
  return { start, end: Math.min(start + lengthUs, whole.end) };
}

function sessionsOf(exchange: Exchange, { date }: TradingSession, unit: Unit): Span {
  const start = DateTime.fromISO(date, { zone: "utc" }).startOf(unit);
  const [from, to] = [start, start.plus({ [unit]: 1 })].map((day) => day.toMillis() / DAY_MS) as [number, number];
  const sessions = exchange.sessionsBetween(from, to);
  return { start: sessions[0]!.open, end: sessions.at(-1)!.close };
}
