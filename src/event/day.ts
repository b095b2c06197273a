/** Days since 1970, UTC. */
export type Day = number;

export const DAY_MS = 86_400_000;
export const DAY_US = DAY_MS * 1000;

/** The day of a time in microseconds since 1970. */
export const dayOf = (timestampUs: number): Day => Math.floor(timestampUs / DAY_US);

/** A day as 2024-03-05. */
export const isoDate = (day: Day): string => new Date(day * DAY_MS).toISOString().slice(0, 10);

let lastDay = Number.NaN;
let lastDayText = "";

/** The UTC day of whole microseconds since 1970, as YYYY-MM-DD. Ticks come day by day, and a date's text costs 1 us. */
export function utcDay(timestamp: number): string {
  const day = dayOf(timestamp);
  if (day !== lastDay) {
    lastDayText = isoDate(day);
    lastDay = day;
  }
  return lastDayText;
}
