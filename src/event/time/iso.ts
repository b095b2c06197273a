import { shown } from "../../errors.ts";

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
