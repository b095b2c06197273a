import { DAY_US } from "../event/day.ts";
import { shown } from "./decimal.ts";
import type { ZoneClock } from "./zone.ts";

/** A moment: whole microseconds since 1970 UTC, and the nanoseconds 0 to 999 below. */
export interface Moment {
  readonly us: number;
  readonly ns: number;
}

/** A time as it is written: without a zone it is a wall-clock time, given as if it were UTC. */
export interface WrittenTime extends Moment {
  readonly zoned: boolean;
  readonly dateOnly: boolean;
}

const ISO =
  /^(\d{4})[-/](\d\d?)[-/](\d\d?)(?:[T ](\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d{1,9})0*)?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?)?$/i;

/** Microseconds of a calendar day and time as if in UTC, or NaN when the day or the time doesn't exist. */
export function wallMicros(year: number, month: number, day: number, hour = 0, minute = 0, second = 0): number {
  const ms = Date.UTC(year, month - 1, day, hour, minute, second);
  const date = new Date(ms);
  // Date carries the 30th of February over to March; what comes back differs then.
  const real = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return real && hour < 24 && minute < 60 && second < 60 ? ms * 1000 : Number.NaN;
}

/** Minutes east of UTC of `Z`, `+02`, `+0200` or `+02:00`; NaN beyond a day. */
function offsetMinutes(text: string): number {
  if (text === "Z" || text === "z") return 0;
  const hours = Number(text.slice(1, 3));
  const minutes = Number(text.slice(3).replace(":", "") || "0");
  if (hours > 23 || minutes > 59) return Number.NaN;
  return (text[0] === "-" ? -1 : 1) * (hours * 60 + minutes);
}

/** Reads an ISO 8601 date or date-time, to the nanosecond. Text is the sentence why it can't be read. */
export function parseIso(text: string): WrittenTime | string {
  const found = ISO.exec(text.trim());
  if (found === null) return `${shown(text)} is no ISO date or time`;
  const [, year, month, day, hour, minute, second, fraction, offset] = found;
  const wall = wallMicros(
    Number(year),
    Number(month),
    Number(day),
    Number(hour ?? 0),
    Number(minute ?? 0),
    Number(second ?? 0),
  );
  if (Number.isNaN(wall)) return `${shown(text)} doesn't exist in the calendar`;
  const nanos = Number((fraction ?? "").padEnd(9, "0"));
  const east = offset === undefined ? 0 : offsetMinutes(offset);
  if (Number.isNaN(east)) return `${shown(text)} has an offset beyond a day`;
  return {
    us: wall + Math.floor(nanos / 1000) - east * 60_000_000,
    ns: nanos % 1000,
    zoned: offset !== undefined,
    dateOnly: hour === undefined,
  };
}

/** The moment of a written time; `zone` is asked for one without an offset. Text is the sentence why there is none. */
export function momentOf(time: WrittenTime, zone: ZoneClock | undefined): Moment | string {
  if (time.zoned) return time;
  if (zone === undefined) {
    // A day without a zone is a UTC day, as vendors of daily bars mean it; an hour without one can't be guessed.
    return time.dateOnly ? time : "the time has no zone: give it an offset or say --tz";
  }
  if (time.dateOnly) return { us: zone.dayStart(time.us), ns: 0 };
  const us = zone.toUtc(time.us);
  return typeof us === "string" ? us : { us, ns: time.ns };
}

export type EpochUnit = "s" | "ms" | "us" | "ns";

const DECIMALS: Readonly<Record<EpochUnit, number>> = { s: 6, ms: 3, us: 0, ns: -3 };

/** How many digits a time from 2001-09-09 to 2286-11-20 has in each unit: no two units share one. */
const DIGITS: Readonly<Record<EpochUnit, number>> = { s: 10, ms: 13, us: 16, ns: 19 };
const UNITS = Object.keys(DIGITS) as EpochUnit[];

/** The unit that a number of so many digits is in; undefined for every other number, which may be anything. */
export const epochUnit = (digits: number): EpochUnit | undefined => UNITS.find((unit) => DIGITS[unit] === digits);

/** What a person may call a unit. */
export const isEpochUnit = (text: string): text is EpochUnit => (UNITS as string[]).includes(text);

const EPOCH = /^(\d{1,19})(?:\.(\d{1,9})0*)?$/;

/** Reads a number of units since 1970 without ever rounding: nanoseconds are beyond a double. */
export function parseEpoch(text: string, unit: EpochUnit): Moment | string {
  const found = EPOCH.exec(text.trim());
  if (found === null) return `${shown(text)} is no time since 1970`;
  const [, whole = "", fraction = ""] = found;
  const other = epochUnit(whole.length);
  // One digit less is 1973 to 2001 in the same unit; what is shorter still is a mistake, or older than any feed.
  if ((other !== undefined && other !== unit) || whole.length < DIGITS[unit] - 1) {
    return `${shown(text)} is in another unit than the file's, which is ${unit}`;
  }
  // As text, moving the decimal point to the right of the nanoseconds is exact.
  const places = DECIMALS[unit] + 3;
  if (fraction.length > places) return `${shown(text)} has more digits than nanoseconds`;
  const nanos = (whole + fraction.padEnd(places, "0")).padStart(4, "0");
  return { us: Number(nanos.slice(0, -3)), ns: Number(nanos.slice(-3)) };
}

/** Clocks differ and bars may be stamped ahead; two days is what landing allows too. */
const FUTURE_US_MAX = 2 * DAY_US;

/** Why landing would set an event of this time aside, or null: better said before it is sent. */
export function outsideRange(us: number): string | null {
  if (us < 0) return "the time lies before 1970";
  return us > Date.now() * 1000 + FUTURE_US_MAX ? "the time lies more than two days ahead" : null;
}
