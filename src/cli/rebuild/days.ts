import { DateTime } from "luxon";
import type { Day } from "../../table/landing/days.ts";
import type { TickDay } from "../../table/upkeep/tick-days.ts";
import { wrong } from "../flags.ts";
import { table } from "../output.ts";

const DAY_MS = 86_400_000;

/** A UTC day as a number. @throws TradetapeError input_invalid */
export function dayFlag(flag: string, text: string): Day {
  const day = DateTime.fromFormat(text, "yyyy-MM-dd", { zone: "utc" });
  if (!day.isValid || day.toMillis() < 0) throw wrong(`${flag} ${text}`, "a day since 1970, as 2024-03-05");
  return Math.floor(day.toMillis() / DAY_MS);
}

export const today = (): Day => Math.floor(Date.now() / DAY_MS);

export const daysText = (days: readonly TickDay[]): string =>
  table(
    ["day", "rows about", "kB", "state"],
    days.map(({ day, rowsAbout, bytes, state }) => [day, rowsAbout, Math.round(bytes / 1000), state]),
  );
