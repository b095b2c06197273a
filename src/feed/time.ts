import { shown } from "../errors.ts";
import type { Moment, WrittenTime } from "../event/time/iso.ts";
import { isAhead } from "../event/time/range.ts";
import type { ZoneClock } from "./zone.ts";

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

const EPOCH = /^(-?)(\d{1,19})(?:\.(\d{1,9})0*)?$/;

/** Reads a number of units since 1970, or before, without ever rounding: nanoseconds are beyond a double. */
export function parseEpoch(text: string, unit: EpochUnit): Moment | string {
  const found = EPOCH.exec(text.trim());
  if (found === null) return `${shown(text)} is no time since 1970`;
  const [, sign = "", whole = "", fraction = ""] = found;
  // As text, moving the decimal point to the right of the nanoseconds is exact.
  const places = DECIMALS[unit] + 3;
  if (fraction.length > places) return `${shown(text)} has more digits than nanoseconds`;
  const digits = (whole + fraction.padEnd(places, "0")).padStart(4, "0");
  const [us, ns] = [Number(digits.slice(0, -3)), Number(digits.slice(-3))];
  if (sign === "" || us + ns === 0) return { us, ns };
  // Before 1970, too, the nanoseconds count from the microsecond on.
  return ns === 0 ? { us: -us, ns } : { us: -us - 1, ns: 1000 - ns };
}

/** Why an event can't have this time, or null; what lies in 1970 by mistake is found in the finished event. */
export function outsideRange(us: number): string | null {
  if (Math.abs(us) > Number.MAX_SAFE_INTEGER) return "the time lies outside of the years 1684 to 2255";
  return isAhead(us, Date.now() * 1000) ? "the time lies more than two days ahead" : null;
}
