import { shown } from "../../errors.ts";
import { byRows, type Decisions } from "../decision.ts";
import { refusal } from "../format.ts";
import { type EpochUnit, epochUnit, isEpochUnit } from "../time.ts";
import { clockText } from "./clock-text.ts";
import {
  COMPACT,
  compact,
  type DateStyle,
  DOTTED,
  dotted,
  epoch,
  ISO_LIKE,
  iso,
  namedStyle,
  SLASHED,
  slashed,
} from "./dates.ts";

/** What a cell looks like as a time. */
export type TimeLook = "day" | "full" | "epoch" | "clock" | "number" | null;

const CLOCK_ONLY = /^\d\d?:\d\d(:\d\d([.,]\d+)?)?$/;
const DIGITS_CLOCK = /^(\d|[01]\d|2[0-3])[0-5]\d([0-5]\d)?$/;
const NUMBER = /^\d{5,19}([.,]\d+)?$/;

/** A date with its parts in doubt, whatever time stands behind it. */
const SLASHED_DATE = /^(\d\d?)([-/.])(\d\d?)\2\d{4}(?!\d)/;

/** @param isClockName whether the column is called time, for four or six digits may be a time of day or a date */
export function lookOf(given: string, isClockName: boolean): TimeLook {
  const clock = clockText(given);
  const text = typeof clock === "string" ? given.replace(/\s+[A-Za-z]+$/, "") : clock.text;
  if (CLOCK_ONLY.test(text) || (isClockName && DIGITS_CLOCK.test(text))) return "clock";
  const isDate = ISO_LIKE.test(text) || DOTTED.test(text) || SLASHED.test(text) || COMPACT.test(text);
  if (isDate) return /[T :]/.test(text) || text.length > 10 ? "full" : "day";
  if (!NUMBER.test(text)) return null;
  return epochUnit(text.split(/[.,]/)[0]!.length) === undefined ? "number" : "epoch";
}

/** The text of a row's time, of one column or two; a time of day without colons gets them. */
export function timeText(cells: readonly string[], columns: readonly number[]): string {
  const first = cells[columns[0]!]!;
  if (columns.length === 1) return first;
  const given = cells[columns[1]!]!;
  if (!/^\d{3,6}$/.test(given)) return `${first} ${given}`;
  const clock = given.length % 2 === 0 ? given : `0${given}`;
  const seconds = clock.length === 6 ? `:${clock.slice(4)}` : "";
  return `${first} ${clock.slice(0, 2)}:${clock.slice(2, 4)}${seconds}`;
}

/** A time with an offset as its own clock shows it. */
export function wallOf(text: string, us: number): number {
  const offset = /([+-])(\d\d):?(\d\d)$/.exec(text.trim());
  if (offset === null || !/:\d\d/.test(text)) return us;
  const minutes = (Number(offset[2]) * 60 + Number(offset[3])) * (offset[1] === "-" ? -1 : 1);
  return us + minutes * 60_000_000;
}

/** What a flag, a map or a format says about times. */
interface ToldTime {
  readonly format?: string | undefined;
  readonly unit?: string | undefined;
}

/** How the file writes its times, by what was told and then by the times of its first rows. */
export function styleOf(texts: readonly string[], told: ToldTime, decisions: Decisions): DateStyle {
  const { unit } = told;
  if (unit !== undefined && !isEpochUnit(unit)) {
    throw refusal(`--unit ${shown(unit)} is no unit of times`, "Say s, ms, us or ns.");
  }
  if (unit !== undefined) return epoch(unit as EpochUnit);
  if (told.format !== undefined && told.format !== "epoch") return toldStyle(told.format, texts);
  const looks: readonly [RegExp, (fitting: readonly string[]) => DateStyle][] = [
    [ISO_LIKE, (fitting) => yearFirst(iso, fitting, decisions)],
    [DOTTED, (fitting) => yearFirst(dotted, fitting, decisions)],
    [COMPACT, () => compact],
    [SLASHED, (fitting) => slashedStyle(fitting, decisions)],
    [NUMBER, (fitting) => epochStyle(fitting, decisions)],
  ];
  const bare = texts.map((text) => {
    const clock = clockText(text);
    return typeof clock === "string" ? text.replace(/\s+\S+$/, "") : clock.text;
  });
  // Most rows decide, so that one damaged row is a rejection and doesn't turn the whole file away.
  const counted = looks.map(([pattern, make]) => ({ make, fitting: bare.filter((text) => pattern.test(text)) }));
  const best = counted.reduce((a, b) => (b.fitting.length > a.fitting.length ? b : a));
  if (best.fitting.length > 0) {
    const style = best.make(best.fitting);
    const isAsked = decisions.questions.some(({ what }) => what === "time");
    if (!isAsked)
      decisions.take(
        "time",
        style.unit ? `epoch ${style.unit}` : style.name,
        byRows(best.fitting.length, texts.length),
      );
    return style;
  }
  return decisions.ask(
    {
      what: "time",
      why: `times like ${shown(texts[0] ?? "")} are written in no known way`,
      flag: "--date-format, as in dd/mm/yyyy, 'dd-LLL-yyyy HH:mm', yyMMdd or excel",
      place: "time.format",
    },
    iso,
  );
}

/** The style that a name or a pattern says. @throws TradetapeError input_invalid when the file proves the other order */
function toldStyle(format: string, texts: readonly string[]): DateStyle {
  const style = namedStyle(format);
  const { dayFirst, monthFirst } = ordersOf(texts);
  const isOther =
    (style.name === "dd/mm/yyyy" && monthFirst > dayFirst) || (style.name === "mm/dd/yyyy" && dayFirst > monthFirst);
  if (!isOther) return style;
  const other = style.name === "dd/mm/yyyy" ? "mm/dd/yyyy" : "dd/mm/yyyy";
  const proofs = Math.max(dayFirst, monthFirst);
  throw refusal(`${proofs} of the first dates only fit ${other}, and ${style.name} was said`, `Say ${other}.`);
}

/** How many dates can only be read with the day first, and how many only with the month: a 13th tells. */
function ordersOf(texts: readonly string[]): { dayFirst: number; monthFirst: number } {
  let dayFirst = 0;
  let monthFirst = 0;
  for (const text of texts) {
    const found = SLASHED_DATE.exec(text);
    if (found === null) continue;
    const [first, second] = [Number(found[1]), Number(found[3])];
    if (first > 12 && second <= 12) dayFirst++;
    if (second > 12 && first <= 12) monthFirst++;
  }
  return { dayFirst, monthFirst };
}

/** Day or month first, by every date of the sample: a guess would go unseen for long. */
function slashedStyle(texts: readonly string[], decisions: Decisions): DateStyle {
  const { dayFirst, monthFirst } = ordersOf(texts);
  if (dayFirst > 0 !== monthFirst > 0) return slashed(dayFirst > 0);
  const why = dayFirst > 0 ? "some only fit dd/mm/yyyy and some only mm/dd/yyyy" : "no day is beyond the 12th";
  return decisions.ask(
    {
      what: "time",
      why: `dates like ${shown(texts[0]!)} may be dd/mm/yyyy or mm/dd/yyyy: ${why}`,
      flag: "--date-format dd/mm/yyyy or mm/dd/yyyy",
      choices: { option: "dateFormat", values: ["dd/mm/yyyy", "mm/dd/yyyy"] },
      place: "time.format",
    },
    slashed(true),
  );
}

const YEAR_FIRST = /^\d{4}[-/.](\d\d?)[-/.](\d\d?)/;

/** Years are followed by the month nearly everywhere; where more dates only fit the day, it is asked. */
function yearFirst(style: DateStyle, texts: readonly string[], decisions: Decisions): DateStyle {
  const parts = texts.map((text) => YEAR_FIRST.exec(text)).filter((found) => found !== null);
  const dayFirst = parts.filter(([, second, third]) => Number(second) > 12 && Number(third) <= 12).length;
  const monthFirst = parts.filter(([, second, third]) => Number(second) <= 12 && Number(third) > 12).length;
  if (dayFirst <= monthFirst) return style;
  const why = `of dates like ${shown(texts[0]!)} ${dayFirst} have a second number over 12, which is no month`;
  return decisions.ask({ what: "time", why, flag: "--date-format, as in yyyy-dd-mm", place: "time.format" }, style);
}

/** The unit of numbers since 1970, by how many digits they all have; days of a spreadsheet and ids have others. */
function epochStyle(texts: readonly string[], decisions: Decisions): DateStyle {
  const lengths = texts.map((text) => text.split(/[.,]/)[0]!.length);
  const longest = Math.max(...lengths);
  const unit = epochUnit(longest);
  const odd = lengths.findIndex((length) => epochUnit(length) !== undefined && length !== longest);
  const short = lengths.findIndex((length) => length < longest - 1);
  if (unit !== undefined && odd < 0 && short < 0) return epoch(unit);
  const number = texts[Math.max(odd, short, 0)]!;
  const why =
    unit !== undefined && odd >= 0
      ? `its times are in two units: ${shown(texts[lengths.indexOf(longest)]!)} and ${shown(number)}`
      : `times like ${shown(number)} may be a day of a spreadsheet, digits of a date, or units since 1970`;
  return decisions.ask(
    { what: "time", why, flag: "--unit s|ms|us|ns, or --date-format excel, yyMMdd or the like", place: "time.format" },
    unit === undefined ? iso : epoch(unit),
  );
}
