import { type Command, InvalidArgumentError, Option } from "commander";
import type { IntervalLength } from "../../../producers/bars.ts";
import { HOURS, type Hours } from "../../calendar/calendar-facts.ts";
import { type Days, exchangeDays, zoneDays } from "../../calendar/days.ts";
import { CALENDAR_NAMES } from "../../calendar/exchange.ts";
import { TradetapeError } from "../../errors.ts";
import { DAY_US } from "../../event/day.ts";
import { intervalName, microsOfInterval } from "../../feed/interval.ts";

/** What bars are made of ticks. */
export interface BarFlags {
  readonly intervals: readonly IntervalLength[];
  readonly tz?: string;
  readonly calendar?: string;
  readonly hours?: Hours;
}

/** A length as a flag says it; of a month it is that of the longest one. */
export function lengthFlag(text: string): IntervalLength {
  const name = intervalName(text);
  if (name === null) throw new InvalidArgumentError("Write it like 1s, 5min, 1h, 1d, 1w or 1mo.");
  return { name, us: microsOfInterval(name) ?? 31 * DAY_US * Number.parseInt(name, 10) };
}

export function declareBarFlags(command: Command): void {
  const several = (text: string) => text.split(",").map(lengthFlag);
  const standard = "1min,5min,1h,1d";
  command
    .addOption(
      new Option("--intervals <list>", "the bars that are made of ticks")
        .argParser(several)
        .default(several(standard), standard),
    )
    .option("--tz <zone>", "bars of ticks have the days, weeks and months of this zone; without it: of UTC")
    .option("--calendar <name>", `bars of ticks have the sessions of an exchange: ${CALENDAR_NAMES.join(", ")}`)
    .addOption(
      new Option("--hours <kind>", "which hours of --calendar are its sessions (default: regular)").choices(HOURS),
    );
}

/**
 * The days that flags name; null is the clock of UTC.
 * @throws TradetapeError input_invalid for flags that contradict each other, and where weeks or months are those of no market
 */
export function daysOfFlags({ intervals, tz, calendar, hours }: BarFlags): Days | null {
  const wrong = (message: string, next: string) => new TradetapeError("input_invalid", message, { next });
  if (calendar !== undefined && tz !== undefined) {
    throw wrong(`the calendar ${calendar} has a zone of its own`, "Say --calendar or --tz.");
  }
  if (calendar !== undefined) return exchangeDays(calendar, hours ?? "regular");
  if (hours !== undefined) throw wrong(`${hours} hours are those of an exchange`, "Say --calendar, too.");
  if (tz !== undefined) return zoneDays(tz);
  const long = intervals.find(({ name }) => /w|mo/.test(name));
  if (long === undefined) return null;
  throw wrong(
    `bars of ${long.name} begin at another time in each zone`,
    "Say --tz, as in --tz UTC, or --calendar: weeks begin on Monday there.",
  );
}
