import { IANAZone } from "luxon";
import { shown } from "../../errors.ts";
import type { WrittenTime } from "../../event/time/iso.ts";
import { momentOf } from "../time.ts";
import { ZoneClock } from "../zone.ts";

/** A time of day and what may stand behind it, taken apart so that each way of writing dates needn't know them all. */
interface ClockText {
  /** The text with the hour in 24 hours, and without a zone. */
  readonly text: string;
  /** Minutes east of UTC, or a zone of the database; undefined for a time without one. */
  readonly zone: number | ZoneClock | undefined;
}

const AM_PM = /(\d{1,2})((?::\d\d){0,2}(?:\.\d+)?)[ -]?([AP])\.?\s?M\.?$/i;
const OFFSET = /^(?:UTC|GMT)([+-]\d\d):?(\d\d)$/i;
const zones = new Map<string, ZoneClock>();

/** Takes AM, PM and a zone's name off; a string is the sentence why the text can't be read. Offsets like +02:00 stay. */
export function clockText(given: string): ClockText | string {
  const text = given.trim();
  const last = text.charCodeAt(text.length - 1) | 32;
  const isLetter = (last >= 97 && last <= 122) || last === 46;
  if (!isLetter && !text.includes("GMT") && !text.includes("UTC")) return { text, zone: undefined };
  if (AM_PM.test(text)) {
    const hours = text.replace(AM_PM, (_all, hour: string, rest: string, half: string) => {
      const of24 = (Number(hour) % 12) + (half.toUpperCase() === "P" ? 12 : 0);
      return Number(hour) < 1 || Number(hour) > 12
        ? "?"
        : `${String(of24).padStart(2, "0")}${rest === "" ? ":00" : rest}`;
    });
    return { text: hours, zone: undefined };
  }
  const at = text.search(/\s\S+$/);
  const name = text.slice(at + 1);
  if (at < 0 || !/^[A-Za-z]/.test(name)) return { text, zone: undefined };
  const before = text.slice(0, at).trim();
  if (/^(UTC|GMT|Z)$/i.test(name)) return { text: before, zone: 0 };
  const offset = OFFSET.exec(name);
  if (offset)
    return { text: before, zone: Number(offset[1]) * 60 + Math.sign(Number(`${offset[1]}1`)) * Number(offset[2]) };
  const zone = zones.get(name) ?? placeZone(name);
  return zone === undefined ? `${shown(name)} doesn't say which zone it is` : { text: before, zone };
}

/** Abbreviations like CST name several zones: only names with a place are one. */
function placeZone(name: string): ZoneClock | undefined {
  if (!name.includes("/") || !IANAZone.isValidZone(name)) return undefined;
  const zone = new ZoneClock(name);
  zones.set(name, zone);
  return zone;
}

/** The time with the zone that stood behind it. */
export function inZone(time: WrittenTime, zone: ClockText["zone"]): WrittenTime | string {
  if (zone === undefined) return time;
  if (typeof zone === "number") return { ...time, us: time.us - zone * 60_000_000, zoned: true, dateOnly: false };
  const moment = momentOf({ ...time, dateOnly: false }, zone);
  return typeof moment === "string" ? moment : { ...moment, zoned: true, dateOnly: false };
}
