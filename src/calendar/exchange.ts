import { readFileSync } from "node:fs";
import { TradetapeError } from "../errors.ts";
import { DAY_US, dayOf, isoDate } from "../event/day.ts";
import { ZoneClock } from "../feed/zone.ts";

/** Trading hours of one day, in microseconds since 1970 UTC; the close isn't counted in. */
export interface TradingSession {
  /** The exchange's date, as in 2024-03-05. */
  readonly date: string;
  readonly open: number;
  readonly close: number;
}

export const HOURS = ["regular", "extended"] as const;
export type Hours = (typeof HOURS)[number];

/** As `about` of the file says. */
interface CalendarFacts {
  readonly names: readonly string[];
  readonly zone: string;
  readonly years: readonly [from: number, to: number];
  readonly hours: { readonly [H in Hours]?: readonly [open: number, close: number] };
  readonly earlyClose: { readonly [H in Hours]?: number };
  readonly early: readonly string[];
  readonly closed: readonly string[];
}

/** Beside the schemas, as other programs need the facts, too. */
const { calendars } = JSON.parse(readFileSync(new URL("../../schemas/calendars.json", import.meta.url), "utf8")) as {
  readonly calendars: readonly CalendarFacts[];
};

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
      next: "Use --tz, whose days need no calendar, or add the exchange's days of that year to schemas/calendars.json.",
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
    if (weekday === 0 || weekday === 6 || this.#closed.has(date)) return null;
    const [open, close] = this.#facts.hours[this.#hours]!;
    const last = this.#early.has(date) ? this.#facts.earlyClose[this.#hours]! : close;
    return { date, open: this.#moment(day, open), close: this.#moment(day, last) };
  }

  #moment(day: number, minute: number): number {
    const us = this.clock.toUtc(day * DAY_US + minute * MINUTE_US);
    if (typeof us === "string") throw new Error(`schemas/calendars.json: ${us}`);
    return us;
  }
}
