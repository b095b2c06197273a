import { DAY_US } from "../../event/day.ts";
import { intervalOfMicros } from "../interval.ts";

/**
 * How many gaps between bars decide their length. Of bars that are `step / k` long and stand at whole multiples of `step` by
 * chance, a gap is a multiple of k bars with probability q^(k-1) / (1 + q + ... + q^(k-1)) <= 1/k, where q is the chance
 * of a bar without trades. So n gaps mislead with probability below 2^-n + 3^-n + ..., which for 20 is one in a million.
 */
export const GAPS_MIN = 20;

/** Starts of one instrument's bars on the wall clock that the file writes, in the file's order. */
export interface Starts {
  readonly walls: readonly number[];
}

/** Gaps between different starts, each instrument by itself; microseconds. */
export function gapsOf(series: Iterable<Starts>): number[] {
  const gaps: number[] = [];
  for (const { walls } of series) {
    const sorted = [...walls].sort((a, b) => a - b);
    for (let i = 1; i < sorted.length; i++) {
      const gap = sorted[i]! - sorted[i - 1]!;
      if (gap > 0) gaps.push(gap);
    }
  }
  return gaps;
}

/** What the gaps say about the bars' length. */
type GapFinding =
  | { readonly interval: string; readonly by: string }
  | { readonly interval: undefined; readonly why: string };

/** @param areDays whether the file writes days without a time of day, so that bars are whole days long */
export function intervalByGaps(series: readonly Starts[], areDays: boolean): GapFinding {
  const gaps = gapsOf(series);
  const smallest = gaps.length > 0 ? Math.min(...gaps) : 0;
  if (areDays && smallest === DAY_US) {
    const of = gaps.filter((gap) => gap === smallest).length;
    return { interval: "1d", by: `the file (days without a time, ${of} of ${gaps.length} gaps are one day)` };
  }
  const months = areDays ? monthGaps(series) : undefined;
  if (months !== undefined && months.length >= GAPS_MIN && isStep(months, 1)) {
    return { interval: "1mo", by: `the file (${months.length} gaps, most of one month)` };
  }
  if (gaps.length < GAPS_MIN) {
    return {
      interval: undefined,
      why: `of the ${GAPS_MIN} gaps between rows that it takes to tell there are ${gaps.length}`,
    };
  }
  if (!isStep(gaps, smallest)) {
    return { interval: undefined, why: "the gaps between rows aren't multiples of one that most of them are" };
  }
  const interval = intervalOfMicros(smallest);
  if (interval === null) return { interval: undefined, why: "the gap between rows is no usual length" };
  const of = gaps.filter((gap) => gap === smallest).length;
  return { interval, by: `the file (${of} of ${gaps.length} gaps are ${interval}, the others multiples of it)` };
}

const isStep = (gaps: readonly number[], step: number) =>
  gaps.every((gap) => gap % step === 0) && gaps.filter((gap) => gap === step).length * 2 > gaps.length;

/** Gaps in months, where every day is the first or the last of its month. */
function monthGaps(series: readonly Starts[]): number[] | undefined {
  const gaps: number[] = [];
  for (const { walls } of series) {
    const dates = [...walls].sort((a, b) => a - b).map((us) => new Date(us / 1000));
    const areFirst = dates.every((date) => date.getUTCDate() === 1);
    const areLast = dates.every((date) => new Date(date.getTime() + 86_400_000).getUTCDate() === 1);
    if (!areFirst && !areLast) return undefined;
    const months = dates.map((date) => date.getUTCFullYear() * 12 + date.getUTCMonth());
    for (let i = 1; i < months.length; i++) if (months[i] !== months[i - 1]) gaps.push(months[i]! - months[i - 1]!);
  }
  return gaps;
}

/** The one of a format's few lengths that is as short as the smallest gap; undefined when none or several are. */
export function intervalAmong(series: readonly Starts[], lengths: readonly (readonly [string, number])[]) {
  const gaps = gapsOf(series);
  if (gaps.length === 0) return undefined;
  const smallest = Math.min(...gaps);
  const fitting = lengths.filter(([, us]) => us <= smallest);
  return fitting.length === 1 ? fitting[0]![0] : undefined;
}
