import { DateTime } from "luxon";
import { shown } from "../../errors.ts";
import { DAY_US } from "../../event/day.ts";
import { parseIso, type WrittenTime, wallMicros } from "../../event/time/iso.ts";
import { refusal } from "../format.ts";
import { type EpochUnit, parseEpoch } from "../time.ts";
import { clockText, inZone } from "./clock-text.ts";

/** How one file writes its times. */
export interface DateStyle {
  /** As a person would name it: yyyy-mm-dd, dd/mm/yyyy, epoch. */
  readonly name: string;
  readonly unit?: EpochUnit;
  /** The time, or a sentence why the text isn't one of this style. */
  read(text: string): WrittenTime | string;
}

const CLOCK = String.raw`(?:[T ]+(\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d{1,9})0*)?)?)?`;
export const SLASHED = new RegExp(String.raw`^(\d\d?)([-/.])(\d\d?)\2(\d{4})${CLOCK}$`);
export const COMPACT =
  /^((?:19|20|21)\d\d)(\d\d)(\d\d)(?:[T ]*(\d\d|(?<=[T ])\d(?=:)):?(\d\d)(?::?(\d\d)(?:[.,](\d{1,9})0*|(\d{3}))?)?)?$/;
export const DOTTED = /^\d{4}\.\d\d?\.\d\d?(?:[T ]|$)/;
export const ISO_LIKE = /^\d{4}[-/]\d/;

function written(date: readonly [string, string, string], clock: readonly (string | undefined)[], text: string) {
  const [year, month, day] = date.map(Number) as [number, number, number];
  const [hour, minute, second, fraction] = clock;
  const us = wallMicros(year, month, day, Number(hour ?? 0), Number(minute ?? 0), Number(second ?? 0));
  if (Number.isNaN(us)) return `${shown(text)} doesn't exist in the calendar`;
  const nanos = Number((fraction ?? "").padEnd(9, "0"));
  return { us: us + Math.floor(nanos / 1000), ns: nanos % 1000, zoned: false, dateOnly: hour === undefined };
}

/** A style whose texts may end in AM, PM or a zone. */
const withClock = (name: string, read: (text: string) => WrittenTime | string): DateStyle => ({
  name,
  read(given) {
    const clock = clockText(given);
    if (typeof clock === "string") return clock;
    const time = read(clock.text);
    return typeof time === "string" ? time : inZone(time, clock.zone);
  },
});

/** BitMEX writes a D where ISO 8601 has a T. */
export const iso = withClock("yyyy-mm-dd", (text) =>
  parseIso(text[10] === "D" ? `${text.slice(0, 10)}T${text.slice(11)}` : text),
);

export const dotted = withClock("yyyy.mm.dd", (text) =>
  DOTTED.test(text)
    ? parseIso(text.replace(/\./, "-").replace(/\./, "-"))
    : `${shown(text)} is no date like yyyy.mm.dd`,
);

export const compact = withClock("yyyymmdd", (text) => {
  const found = COMPACT.exec(text);
  if (found === null) return `${shown(text)} is no date like yyyymmdd`;
  const [, year, month, day, hour, minute, second, fraction, millis] = found;
  return written([year!, month!, day!], [hour, minute, second, fraction ?? millis], text);
});

export const slashed = (dayFirst: boolean): DateStyle => {
  const name = dayFirst ? "dd/mm/yyyy" : "mm/dd/yyyy";
  return withClock(name, (text) => {
    const found = SLASHED.exec(text);
    if (found === null) return `${shown(text)} is no date like ${name}`;
    const [, first, , second, year, ...clock] = found;
    const [day, month] = dayFirst ? [first, second] : [second, first];
    return written([year!, month!, day!], clock, text);
  });
};

export const epoch = (unit: EpochUnit): DateStyle => ({
  name: "epoch",
  unit,
  read(text) {
    const time = parseEpoch(text, unit);
    return typeof time === "string" ? time : { ...time, zoned: true, dateOnly: false };
  },
});

/** Day 25,569 of spreadsheets' calendar is 1970-01-01; what stands behind the point is the share of the day. */
const EXCEL_1970 = 25_569;

const excel: DateStyle = {
  name: "excel",
  read(text) {
    const found = /^(\d{5})(?:[.,](\d+))?$/.exec(text.trim());
    if (found === null) return `${shown(text)} is no day number of a spreadsheet`;
    const share = Number(`0.${found[2] ?? "0"}`);
    // Six decimals of a day are 86 ms, so spreadsheets mean the whole second that is nearest.
    const us = (Number(found[1]) - EXCEL_1970) * DAY_US + Math.round(share * 86_400) * 1_000_000;
    return { us, ns: 0, zoned: false, dateOnly: found[2] === undefined };
  },
};

/** Milliseconds since a day's midnight, with up to six decimals. */
export const sinceMidnight = (midnightUs: number): DateStyle => ({
  name: "ms of day",
  unit: "ms",
  read(text) {
    const found = /^(\d{1,8})(?:\.(\d{1,6}))?$/.exec(text);
    if (found === null) return `the time ${shown(text)} is no number of milliseconds since midnight`;
    const us = Number(found[1]) * 1000;
    if (us >= DAY_US) return `the time ${shown(text)} lies beyond the day's ${DAY_US / 1000} ms`;
    const nanos = Number((found[2] ?? "").padEnd(6, "0"));
    return { us: midnightUs + us + Math.floor(nanos / 1000), ns: nanos % 1000, zoned: false, dateOnly: false };
  },
});

/**
 * `dd/mm/yyyy hh:mm` as people write it, in luxon's letters: `mm` before the hour is the month. A format that already
 * has luxon's own M or L for the month is left alone.
 */
function luxonFormat(format: string): string {
  if (/[ML]/.test(format)) return format;
  let months = 0;
  return format
    .replace(/y{4}|Y{4}/, "yyyy")
    .replace(/mm?/g, (found) => (months++ === 0 ? "MM" : found))
    .replace(/d{1,2}|D{1,2}/, "dd")
    .replace(/h{1,2}/, (found) => (/[aA]/.test(format) ? found : found.toUpperCase()));
}

const NAMED: Readonly<Record<string, DateStyle>> = {
  "dd/mm/yyyy": slashed(true),
  "mm/dd/yyyy": slashed(false),
  "yyyy/mm/dd": iso,
  iso,
  yyyymmdd: compact,
  excel,
};

/** Digits of seconds below the millisecond, which luxon drops. */
const BELOW_MILLIS = /(?<=(?::|\d{4})\d\d[.,]\d{3})(\d{1,6})(?!\d)/;

/** @throws TradetapeError input_invalid for a format that names no date */
export function namedStyle(format: string): DateStyle {
  const lower = format.toLowerCase();
  if (lower === "yyyy.mm.dd") return dotted;
  const named = NAMED[lower.replace(/[-.]/g, "/")];
  return named ?? patternStyle(format);
}

function patternStyle(format: string): DateStyle {
  const pattern = luxonFormat(format);
  const options = { zone: "utc", locale: "en-US" } as const;
  const probe = DateTime.fromMillis(0, options);
  if (!DateTime.fromFormat(probe.toFormat(pattern), pattern, options).isValid) {
    throw refusal(`--date-format ${shown(format)} names no date`, "Write it like dd/mm/yyyy or 'dd-LLL-yyyy HH:mm'.");
  }
  const dateOnly = !/[Hh]/.test(pattern);
  const zoned = /[zZ]/.test(pattern);
  // Padded letters take one digit, too, unless the next one follows directly: 3/4/2024 and 240304 are both written.
  const loose = pattern.replace(/(?<![a-zA-Z])(MM|dd|HH|hh)(?![a-zA-Z])/g, (letters) => letters[0]!);
  return {
    name: format,
    read(text) {
      const below = BELOW_MILLIS.exec(text)?.[1] ?? "";
      const date = DateTime.fromFormat(below === "" ? text : text.replace(BELOW_MILLIS, ""), loose, options);
      if (!date.isValid) return `${shown(text)} is no date like ${format}`;
      const nanos = Number(below.padEnd(6, "0"));
      return { us: date.toMillis() * 1000 + Math.floor(nanos / 1000), ns: nanos % 1000, zoned, dateOnly };
    },
  };
}
