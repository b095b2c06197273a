import { DAY_US } from "../../event/day.ts";
import { Refusal } from "../../event/letter.ts";
import { shownValue } from "../../table/rows/row-encoder.ts";
import type { Encoder } from "./encoder.ts";

/** An event's time may lie this far ahead of the broker's: a session may end tomorrow, a date of next month is a mistake. */
const TIME_AHEAD_US_MAX = 2 * DAY_US;

type Fields = Readonly<Record<string, unknown>>;

/** Whether an event that was published at `publishedUs` may have the time `us`. */
export const isTimely = (us: number, publishedUs: number): boolean => us >= 0 && us <= publishedUs + TIME_AHEAD_US_MAX;

/** Reads a record's value: the event's fields, or why it is no event. Fetched and parked records are read alike. */
export function readEvent(encoder: Encoder, value: Buffer | null, publishedUs: number): Fields | Refusal {
  if (value !== null && value.length > encoder.eventBytesMax) {
    return new Refusal("too_large", `${value.length} bytes, more than ${encoder.eventBytesMax}`);
  }
  const event = encoder.reader.read(value);
  if (event instanceof Refusal) return event;
  const fields: Fields = event;
  const { time } = encoder.consumer;
  if (time !== undefined) {
    const at = (fields[time] ?? 0) as number;
    if (!isTimely(at, publishedUs)) {
      return new Refusal("time_out_of_range", `${time} is ${isoOf(at)}, published ${isoOf(publishedUs)}`, time);
    }
  }
  return fields;
}

/** A time for people. JavaScript's dates end in the year 275760, an event's time needn't. */
const isoOf = (us: number): string => {
  const ms = us / 1000;
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : `${shownValue(us)} microseconds since 1970`;
};
