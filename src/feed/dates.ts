import { DateTime } from "luxon";
import { shown } from "./decimal.ts";
import { refusal } from "./format.ts";
import { type EpochUnit, epochUnit, parseEpoch, parseIso, type WrittenTime, wallMicros } from "./time.ts";

/** How one file writes its times. */
export interface DateStyle {
  /** As a person would name it: yyyy-mm-dd, dd/mm/yyyy, epoch. */
  readonly name: string;
  readonly unit?: EpochUnit;
  /** The time, or a sentence why the text isn't one of this style. */
  read(text: string): WrittenTime | string;
}

const SLASHED = /^(\d\d?)([-/.])(\d\d?)\2(\d{4})(?:[T ]+(\d\d?):(\d\d)(?::(\d\d))?)?$/;
const COMPACT = /^((?:19|20|21)\d\d)(\d\d)(\d\d)(?:[T ]?(\d\d):?(\d\d):?(\d\d)?)?$/;
const NUMERIC = /^\d{5,19}(\.\d+)?$/;

function written(us: number, text: string, dateOnly: boolean): WrittenTime | string {
  return Number.isNaN(us) ? `${shown(text)} doesn't exist in the calendar` : { us, ns: 0, zoned: false, dateOnly };
}

const iso: DateStyle = { name: "yyyy-mm-dd", read: parseIso };

const compact: DateStyle = {
  name: "yyyymmdd",
  read(text) {
    const found = COMPACT.exec(text);
    if (found === null) return `${shown(text)} is no date like yyyymmdd`;
    const [, year, month, day, hour, minute, second] = found;
    const us = wallMicros(
      Number(year),
      Number(month),
      Number(day),
      Number(hour ?? 0),
      Number(minute ?? 0),
      Number(second ?? 0),
    );
    return written(us, text, hour === undefined);
  },
};

const slashed = (dayFirst: boolean): DateStyle => ({
  name: dayFirst ? "dd/mm/yyyy" : "mm/dd/yyyy",
  read(text) {
    const found = SLASHED.exec(text);
    if (found === null) return `${shown(text)} is no date like ${this.name}`;
    const [, first, , second, year, hour, minute, seconds] = found;
    const [day, month] = dayFirst ? [first, second] : [second, first];
    const time = [Number(hour ?? 0), Number(minute ?? 0), Number(seconds ?? 0)] as const;
    return written(wallMicros(Number(year), Number(month), Number(day), ...time), text, hour === undefined);
  },
});

const epoch = (unit: EpochUnit): DateStyle => ({
  name: "epoch",
  unit,
  read(text) {
    const time = parseEpoch(text, unit);
    return typeof time === "string" ? time : { ...time, zoned: true, dateOnly: false };
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
    .replace(/mm?/g, (found) => (months++ === 0 ? "M" : found))
    .replace(/d{1,2}|D{1,2}/, "d")
    .replace(/h{1,2}/, (found) => (/[aA]/.test(format) ? found : "H"));
}

function told(format: string): DateStyle {
  const named = format.toLowerCase().replace(/[-.]/g, "/");
  if (named === "dd/mm/yyyy") return slashed(true);
  if (named === "mm/dd/yyyy") return slashed(false);
  if (named === "yyyy/mm/dd" || named === "iso") return iso;
  if (named === "yyyymmdd") return compact;
  const pattern = luxonFormat(format);
  const probe = DateTime.fromMillis(0, { zone: "utc", locale: "en-US" });
  if (!DateTime.fromFormat(probe.toFormat(pattern), pattern, { zone: "utc", locale: "en-US" }).isValid) {
    throw refusal(`--date-format ${shown(format)} names no date`, "Write it like dd/mm/yyyy or 'dd-LLL-yyyy HH:mm'.");
  }
  const dateOnly = !/[Hh]/.test(pattern);
  const zoned = /[zZ]/.test(pattern);
  return {
    name: format,
    read(text) {
      const date = DateTime.fromFormat(text, pattern, { zone: "utc", locale: "en-US" });
      if (!date.isValid) return `${shown(text)} is no date like ${format}`;
      return { us: date.toMillis() * 1000, ns: 0, zoned, dateOnly };
    },
  };
}

/** Day or month first, by every date of the sample: one day beyond the 12th tells; a guess would go unseen for long. */
function slashedStyle(texts: readonly string[]): DateStyle {
  let dayFirst = 0;
  let monthFirst = 0;
  for (const text of texts) {
    const found = SLASHED.exec(text);
    if (found === null) continue;
    const [first, second] = [Number(found[1]), Number(found[3])];
    if (first > 12 && second <= 12) dayFirst++;
    if (second > 12 && first <= 12) monthFirst++;
  }
  if (dayFirst > 0 !== monthFirst > 0) return slashed(dayFirst > 0);
  const why = dayFirst > 0 ? "some only fit dd/mm/yyyy and some only mm/dd/yyyy" : "no day is beyond the 12th";
  throw refusal(
    `dates like ${shown(texts[0]!)} may be dd/mm/yyyy or mm/dd/yyyy: ${why}`,
    "Say --date-format dd/mm/yyyy or --date-format mm/dd/yyyy.",
  );
}

/**
 * Decides how a file writes its times, by the times of its first rows.
 * @throws TradetapeError input_invalid when they leave it open, or `format` is unknown.
 */
export function dateStyleOf(texts: readonly string[], format: string | undefined): DateStyle {
  if (format !== undefined) return told(format);
  const kinds: readonly [RegExp, (fitting: readonly string[]) => DateStyle][] = [
    [/^\d{4}[-/]/, () => iso],
    [COMPACT, () => compact],
    [SLASHED, slashedStyle],
    [NUMERIC, (fitting) => epoch(epochUnit(Number(fitting[0])))],
  ];
  // Most rows decide, so that one damaged row is a rejection and doesn't turn the whole file away.
  const counted = kinds.map(([pattern, make]) => ({ make, fitting: texts.filter((text) => pattern.test(text)) }));
  const best = counted.reduce((a, b) => (b.fitting.length > a.fitting.length ? b : a));
  if (best.fitting.length > 0) return best.make(best.fitting);
  throw refusal(
    `times like ${shown(texts[0] ?? "")} are written in no known way`,
    "Say --date-format, as in dd/mm/yyyy or 'dd-LLL-yyyy HH:mm'.",
  );
}
