import { TradetapeError } from "../errors.ts";
import { DAY_US, dayOf, isoDate } from "../event/day.ts";
import { ZoneClock } from "../feed/zone.ts";
import { type CalendarFacts, calendars, type Hours } from "./calendar-facts.ts";

/** Trading hours of one day, in microseconds since 1970 UTC; the close isn't counted in. */
export interface TradingSession {
  /** The exchange's date, as in 2024-03-05. */
  readonly date: string;
  readonly open: number;
  readonly close: number;
}

const MONDAY_TO_FRIDAY: readonly number[] = [1, 2, 3, 4, 5];
/** Sessions that follow one another without an end, as of markets that never close, are looked at so far back. */
const UNBROKEN_MAX = 8;

/** What --calendar may be. */
export const CALENDAR_NAMES: readonly string[] = calendars.flatMap(({ names }) => names);

const MINUTE_US = 60_000_000;

/** The sessions of one exchange in one kind of hours. */
export class Exchange {
  readonly name: string;
  readonly clock: ZoneClock;
  readonly #facts: CalendarFacts;
  readonly #hours: Hours;
  readonly #early: ReadonlySet<string>;
  readonly #closed: ReadonlySet<string>;
  readonly #sessions = new Map<number, TradingSession | null>();
  /** Where the last time lay: most lie where the one before them did. */
  #last: TradingSession | undefined;
  #lastOpen: { readonly from: number; readonly to: number; readonly since: number } | undefined;

  /** @throws TradetapeError input_invalid for a name or hours that no calendar has */
  constructor(name: string, hours: Hours) {
    const facts = calendars.find(({ names }) => names.includes(name));
    if (facts === undefined) {
      throw new TradetapeError("input_invalid", `there is no calendar ${JSON.stringify(name)}`, {
        next: `Use ${CALENDAR_NAMES.join(", ")}; --tz gives the days of a time zone.`,
      });
    }
    if (facts.hours[hours] === undefined) {
      throw new TradetapeError("input_invalid", `the calendar ${name} has no ${hours} hours`, {
        next: `Use ${Object.keys(facts.hours).join(" or ")}.`,
      });
    }
    this.name = name;
    this.clock = new ZoneClock(facts.zone);
    this.#facts = facts;
    this.#hours = hours;
    this.#early = new Set(facts.early);
    this.#closed = new Set(facts.closed);
  }

  /**
   * The session in which a moment lies, null outside of all.
   * @throws TradetapeError input_invalid for a moment of a year that the calendar says nothing of
   */
  sessionOf(us: number): TradingSession | null {
    if (this.#last !== undefined && us >= this.#last.open && us < this.#last.close) return this.#last;
    const day = dayOf(us);
    this.#refuseUnknown(day);
    // A session may begin on the evening before its day, and end behind midnight in UTC.
    for (let at = day - 1; at <= day + 1; at++) {
      const session = this.#sessionOn(at);
      if (session === null || us < session.open || us >= session.close) continue;
      this.#last = session;
      return session;
    }
    return null;
  }

  /**
   * Since when the market has been open at a moment: its session's open, or the end of the pause in it, or the open of the first
   * of sessions that follow without an end, eight of them at most.
   * @returns microseconds since 1970, null where it is closed
   * @throws TradetapeError input_invalid as `sessionOf` does
   */
  openSince(us: number): number | null {
    const last = this.#lastOpen;
    if (last !== undefined && us >= last.from && us < last.to) return last.since;
    const session = this.sessionOf(us);
    if (session === null) return null;
    const [from, to] = this.#pauseOf(session.date);
    if (us >= from && us < to) return null;
    const isBehindPause = us >= to;
    const since = isBehindPause ? to : this.#openBefore(session.open);
    this.#lastOpen = {
      from: isBehindPause ? to : session.open,
      to: isBehindPause ? session.close : Math.min(from, session.close),
      since,
    };
    return since;
  }

  /** The open of the first of the sessions that lie before an open without an end between them. */
  #openBefore(open: number): number {
    let first = open;
    for (let n = 1; n < UNBROKEN_MAX; n++) {
      const before = this.sessionOf(first - 1);
      if (before === null) break;
      first = before.open;
    }
    return first;
  }

  /**
   * The newest close that isn't after a moment.
   * @throws TradetapeError input_invalid as `sessionOf` does
   */
  lastClose(us: number): number {
    const today = dayOf(us) + 1;
    for (let day = today; ; day--) {
      this.#refuseUnknown(day);
      const session = this.#sessionOn(day);
      if (session !== null && session.close <= us) return session.close;
    }
  }

  /**
   * The sessions of the dates from the one to the other, which is not counted in, both counted as days since 1970.
   * @throws TradetapeError input_invalid as `sessionOf` does
   */
  sessionsBetween(fromDay: number, toDay: number): TradingSession[] {
    const sessions: TradingSession[] = [];
    for (let day = fromDay; day < toDay; day++) {
      const session = this.#sessionOn(day);
      if (session !== null) sessions.push(session);
    }
    return sessions;
  }

  #refuseUnknown(day: number): void {
    const [from, to] = this.#facts.years;
    const date = isoDate(day);
    const year = Number.parseInt(date, 10);
    if (year >= from && year <= to) return;
    throw new TradetapeError("input_invalid", `the calendar ${this.name} knows ${from} to ${to}, not ${date}`, {
      next: "Use --tz, whose days need no calendar, or add the exchange's days of that year to schemas/exchanges/calendars.json.",
    });
  }

  #sessionOn(day: number): TradingSession | null {
    const known = this.#sessions.get(day);
    if (known !== undefined) return known;
    const session = this.#make(day);
    this.#sessions.set(day, session);
    return session;
  }

  #make(day: number): TradingSession | null {
    const date = isoDate(day);
    const weekday = new Date(date).getUTCDay();
    if (!(this.#facts.weekdays ?? MONDAY_TO_FRIDAY).includes(weekday) || this.#closed.has(date)) return null;
    const [open, close] = this.#hoursOn(date);
    const last = this.#early.has(date) ? this.#facts.earlyClose[this.#hours]! : close;
    return { date, open: this.#moment(day, open), close: this.#moment(day, last) };
  }

  #hoursOn(date: string): readonly [open: number, close: number] {
    const before = this.#hours === "regular" ? this.#facts.before?.find((one) => date < one.date) : undefined;
    return before?.regular ?? this.#facts.hours[this.#hours]!;
  }

  /** The pause of a session, Infinity where there is none. */
  #pauseOf(date: string): readonly [from: number, to: number] {
    const { pause } = this.#facts;
    if (pause === undefined) return [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    const day = dayOf(Date.parse(date) * 1000);
    return [this.#moment(day, pause[0]), this.#moment(day, pause[1])];
  }

  #moment(day: number, minute: number): number {
    const us = this.clock.toUtc(day * DAY_US + minute * MINUTE_US);
    if (typeof us === "string") throw new Error(`schemas/exchanges/calendars.json: ${us}`);
    return us;
  }
}
