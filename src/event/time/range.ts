/** What TRADETAPE_EARLY_1970 says about times in the first quarter of 1970. */
export type Early1970 = "refuse" | "allow";

const APRIL_1970_US = Date.UTC(1970, 3, 1) * 1000;

/**
 * Whether a time lies in the first quarter of 1970. Taken for microseconds, the seconds and milliseconds of every day until
 * the year 2216 lie there, and little else does: some 60 days of trading, which a number alone can't be told from.
 */
export const isEarly1970 = (us: number): boolean => us >= 0 && us < APRIL_1970_US;

/** An event's time may lie this far ahead of the broker's: a session may end tomorrow, a date of next month is a mistake. */
const TIME_AHEAD_US_MAX = 2 * 86_400_000_000;

/** @param nowUs the broker's time, when the event was or would be published */
export const isAhead = (us: number, nowUs: number): boolean => us > nowUs + TIME_AHEAD_US_MAX;

/** The times that say when an event happened. Others may lie ahead, as the end of a window that has begun. */
const HAPPENED: ReadonlySet<string> = new Set(["timestamp", "window_start"]);

/** Why an event may not have one of its times: the letter's reason, and a sentence without its full stop. */
interface WrongTime {
  readonly reason: "time_unit" | "time_out_of_range";
  readonly field: string;
  readonly detail: string;
}

/** A `revised_at` of 0 is no time: what has it, as a symbol made of a file's name, is older than every revision. */
const isNoRevision = (name: string, us: number): boolean => us === 0 && name === "revised_at";

/**
 * The times within a bar: one that begins in December 1969 may trade and end in 1970. One in another unit lies before the
 * bar's start, which the rules of schemas/rules.json refuse.
 */
const OF_BAR: ReadonlySet<string> = new Set(["ends_at", "first_trade_at", "last_trade_at"]);

/**
 * The first of an event's times that it may not have. Whatever is no number isn't looked at.
 * @param names of the fields that hold times
 * @param nowUs the broker's time, when the event was or would be published
 */
export function wrongTime(
  names: readonly string[],
  event: Readonly<Record<string, unknown>>,
  early1970: Early1970,
  nowUs: number,
): WrongTime | null {
  for (const name of names) {
    const us = event[name];
    if (typeof us !== "number") continue;
    if (early1970 === "refuse" && isEarly1970(us) && !isNoRevision(name, us) && !OF_BAR.has(name)) {
      return { reason: "time_unit", field: name, detail: `${name} ${otherUnits(us)}` };
    }
    if (isAhead(us, nowUs) && HAPPENED.has(name)) {
      const detail = `${name} ${isoOf(us / 1000)} is more than two days ahead of the broker's time ${isoOf(nowUs / 1000)}`;
      return { reason: "time_out_of_range", field: name, detail };
    }
  }
  return null;
}

const isoOf = (ms: number): string => new Date(ms).toISOString();

const YEAR_10000_MS = Date.UTC(10_000, 0, 1);

/** What a number that lies in the first quarter of 1970 would be in other units, as the end of a sentence. */
function otherUnits(us: number): string {
  const seconds = us * 1000 < YEAR_10000_MS ? `, as seconds ${isoOf(us * 1000)}` : "";
  return (
    `${us} would be ${isoOf(us / 1000)}; as milliseconds it is ${isoOf(us)}${seconds}. Times are microseconds since 1970; ` +
    "where the first quarter of 1970 is meant, set TRADETAPE_EARLY_1970=allow"
  );
}
