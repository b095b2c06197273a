import { shown } from "../../errors.ts";
import { parseIso, type WrittenTime } from "../../event/time/iso.ts";
import { type Opening, refusal } from "../format.ts";
import { type DateStyle, sinceMidnight } from "../text/dates.ts";
import { styleOf } from "../text/times.ts";
import { outsideRange } from "../time.ts";
import { ZoneClock } from "../zone.ts";
import type { FeedDraft } from "./draft.ts";
import type { Layout } from "./layout.ts";

/** A column's name that says its zone: Gmt time is UTC, and time (GMT+1) isn't. */
const UTC_NAME = /(gmt|utc)(?!\s*[+-]?\s*\d)/i;

/** How the file writes its times, and the zone of those without one. */
export function timeStyle(
  opening: Opening,
  { map, by, named }: FeedDraft,
  layout: Layout,
  times: readonly number[],
  texts: readonly string[],
): { style: DateStyle; zone: ZoneClock | undefined } {
  const { options, decisions } = opening;
  let style: DateStyle;
  if (map.time?.format === "ms of day") {
    style = sinceMidnight(midnightOf(opening, map.time.day ?? named?.date, map.time.day ? by : "the file's name"));
  } else {
    const isFlag = options.dateFormat !== undefined || options.unit !== undefined;
    const told = isFlag
      ? { format: options.dateFormat, unit: options.unit }
      : { format: map.time?.format, unit: map.time?.unit };
    const toldBy = isFlag ? (options.unit ? "--unit" : "--date-format") : by;
    style = styleOf(texts, told, decisions);
    const isTold = told.unit !== undefined || (told.format !== undefined && told.format !== "epoch");
    if (isTold) {
      decisions.take("time", style.unit ? `epoch ${style.unit}` : style.name, toldBy);
    }
  }
  const read = texts.map((text) => style.read(text)).filter((time): time is WrittenTime => typeof time !== "string");
  const isNamedUtc = times.some((place) => UTC_NAME.test(layout.names[place]!));
  const zone = options.tz ?? map.time?.zone ?? (isNamedUtc ? "UTC" : undefined);
  const zoneBy = options.tz ? "--tz" : map.time?.zone ? by : "the header";
  const naive = read.find((time) => !time.zoned && !time.dateOnly);
  if (zone !== undefined && read.some((time) => !time.zoned)) decisions.take("zone", zone, zoneBy);
  else if (naive !== undefined) {
    const why = "its times have no zone";
    const flag = "--tz, as in --tz America/New_York or --tz UTC";
    return { style, zone: new ZoneClock(decisions.ask({ what: "zone", why, flag, place: "time.zone" }, "UTC")) };
  } else if (read.some((time) => time.dateOnly)) decisions.take("zone", "UTC: a day is a UTC day", "the rule");
  else
    decisions.take("zone", style.unit ? "UTC: units since 1970" : "in the text", style.unit ? "the rule" : "the file");
  return { style, zone: zone === undefined ? undefined : new ZoneClock(zone) };
}

/** Midnight of the day that a file holds, as if in UTC. */
export function midnightOf({ options, decisions }: Opening, named: string | undefined, by: string): number {
  const text = options.date ?? named;
  if (text === undefined) {
    const why = "it doesn't say which day it holds";
    return decisions.ask({ what: "day", why, flag: "--date YYYY-MM-DD", place: "time.day" }, 0);
  }
  const day = parseIso(text);
  if (typeof day === "string" || !day.dateOnly)
    throw refusal(`the day ${shown(text)} is no date`, "Say --date YYYY-MM-DD.");
  const outside = outsideRange(day.us);
  if (outside !== null) throw refusal(`the day ${text} can't be: ${outside}`, "Say --date YYYY-MM-DD.");
  decisions.take("day", text, options.date ? "--date" : by);
  return day.us;
}
