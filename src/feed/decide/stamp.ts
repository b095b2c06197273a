import { shown } from "../../errors.ts";
import { DAY_US } from "../../event/day.ts";
import type { Opening } from "../format.ts";
import { normalName } from "../text/cells.ts";
import type { DateStyle } from "../text/dates.ts";
import { wallOf } from "../text/times.ts";
import type { FeedDraft } from "./draft.ts";
import type { BarLength } from "./length.ts";

/** A column whose name says that bars end there holds no starts. */
const END_NAME = /^(bar)?(end|close|closing|stop)(time|date)?$/;

export const MINUTE_US = 60_000_000;

/** Whether a time lies in the last second of its minute, as those of bars' ends that are counted in. */
export const isLastSecond = (us: number): boolean =>
  us - Math.floor(us / MINUTE_US) * MINUTE_US >= MINUTE_US - 1_000_000;

/** What the times of a file are seen by: their columns' names, their texts, and the style that reads them. */
interface Times {
  readonly names: readonly string[];
  readonly texts: readonly string[];
  readonly style: DateStyle;
}

/** Times are bars' starts, unless something speaks against it. */
export function askStamp({ decisions }: Opening, { map, by }: FeedDraft, times: Times, length: BarLength): void {
  const isVendors = by !== "--map" && map.source !== undefined;
  const why = map.time?.stamp === undefined ? doubtOf(times, length, isVendors) : undefined;
  if (why === undefined) return;
  decisions.ask({ what: "stamp", why, flag: "--map with time.stamp", place: "time.stamp" }, undefined);
}

/**
 * A column's name that says an end, a last second before the full minute, or, where the format isn't one vendor's, whole
 * days that begin at another time than midnight.
 */
function doubtOf({ names, texts, style }: Times, length: BarLength, isVendors: boolean): string | undefined {
  const end = names.find((name) => END_NAME.test(normalName(name)));
  if (end !== undefined) return `the times of ${shown(end)} may be bars' ends`;
  const interval = "fixed" in length ? length.fixed : "";
  const walls = texts.flatMap((text) => {
    const time = style.read(text);
    return typeof time === "string" || time.dateOnly ? [] : [wallOf(text, time.us)];
  });
  if (walls.length === 0 || /\ds$/.test(interval)) return undefined;
  const like = `times like ${shown(texts[0]!)}`;
  if (walls.every(isLastSecond)) return `${like}, all in the last second of a minute, may be bars' ends`;
  const areDays = /\d(d|w|mo)$/.test(interval) && !isVendors;
  if (!areDays || walls.some((wall) => wall % DAY_US === 0)) return undefined;
  return `${like} may be the starts or the ends of bars of ${interval}`;
}
