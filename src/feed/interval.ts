import { TradetapeError } from "../errors.ts";
import { DAY_US } from "../event/day.ts";

/** Vendors' spellings of the same units. `m` is a minute and `M` a month, so the case counts for these two alone. */
const UNITS: Readonly<Record<string, string>> = {
  s: "s",
  sec: "s",
  second: "s",
  m: "min",
  min: "min",
  minute: "min",
  h: "h",
  hour: "h",
  d: "d",
  day: "d",
  w: "w",
  wk: "w",
  week: "w",
  M: "mo",
  mo: "mo",
  month: "mo",
};

/** Of how many of a unit the next one is made. */
const NEXT: Readonly<Record<string, readonly [count: number, unit: string]>> = {
  s: [60, "min"],
  min: [60, "h"],
  h: [24, "d"],
  d: [7, "w"],
};

/**
 * One spelling per length of a bar (1s, 5min, 1h, 1d, 1w, 1mo; 60min is 1h), for it is part of the bar's id; null if
 * unknown. The rule `interval_known` of schemas/rules.json knows no other.
 */
export function intervalName(text: string): string | null {
  const found = /^([1-9]\d{0,3})\s*([a-zA-Z]+)$/.exec(text.trim());
  if (found === null) return null;
  const [, digits, word = ""] = found;
  let unit = UNITS[word] ?? UNITS[word.toLowerCase()] ?? UNITS[word.toLowerCase().replace(/s$/, "")];
  if (unit === undefined) return null;
  let count = Number(digits);
  for (let next = NEXT[unit]; next !== undefined && count % next[0] === 0; next = NEXT[unit]) {
    count /= next[0];
    unit = next[1];
  }
  return `${count}${unit}`;
}

/**
 * What --interval says, under its one name.
 * @throws TradetapeError input_invalid when it is no length of a bar.
 */
export function toldInterval(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const name = intervalName(text);
  if (name !== null) return name;
  throw new TradetapeError("input_invalid", `--interval ${JSON.stringify(text)} is no length of a bar`, {
    next: "Write it like 1s, 5min, 1h, 1d, 1w or 1mo.",
  });
}

const LENGTHS: readonly [string, number][] = [
  ["w", 7 * DAY_US],
  ["d", DAY_US],
  ["h", 3_600_000_000],
  ["min", 60_000_000],
  ["s", 1_000_000],
];

/** The name of a length in microseconds; null for one that is no whole number of seconds. */
export function intervalOfMicros(us: number): string | null {
  if (us >= 28 * DAY_US && us <= 31 * DAY_US) return "1mo";
  // 60 s is 1min and 24 h is 1d, but 2 weeks of days is rare and two ids for one thing is worse than an odd name.
  const fitting = LENGTHS.find(([, length]) => us >= length && us % length === 0);
  return fitting ? `${us / fitting[1]}${fitting[0]}` : null;
}

/** How often which unit an interval is, by its one name; null for what isn't one. */
export function partsOfInterval(name: string): { readonly count: number; readonly unit: string } | null {
  const found = /^([1-9]\d{0,3})(s|min|h|d|w|mo)$/.exec(name);
  return found === null ? null : { count: Number(found[1]), unit: found[2]! };
}

/** The length of seconds, minutes and hours, in microseconds; null for days and longer, which clocks may stretch. */
export function fixedMicros(name: string): number | null {
  const unit = partsOfInterval(name)?.unit;
  return unit === "s" || unit === "min" || unit === "h" ? microsOfInterval(name) : null;
}

/** The length of an interval by its one name, in microseconds; null for months, which have none, and what isn't one. */
export function microsOfInterval(name: string): number | null {
  const parts = partsOfInterval(name);
  const length = LENGTHS.find(([unit]) => unit === parts?.unit)?.[1];
  return parts === null || length === undefined ? null : parts.count * length;
}
