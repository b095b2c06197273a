import { Refusal } from "../../event/letter.ts";
import { shownValue } from "../../table/rows/row-encoder.ts";
import type { Encoder } from "./encoder.ts";

/** An event may be ahead of the broker's clock by this much: a session that ends tomorrow may, a wrong zone may not. */
const TIME_AHEAD_US_MAX = 2 * 86_400_000_000;

type Fields = Readonly<Record<string, unknown>>;

/** Whether a time in microseconds can be an event's that was published then. */
export const isTimely = (us: number, publishedUs: number): boolean => us >= 0 && us <= publishedUs + TIME_AHEAD_US_MAX;

/** The event, or why it can't be one. The same for a record that has just come and for one that was parked. */
export function readEvent(encoder: Encoder, value: Buffer | null, publishedUs: number): Fields | Refusal {
  if (value !== null && value.length > encoder.eventBytesMax) {
    return new Refusal("too_large", `${value.length} bytes, more than ${encoder.eventBytesMax}`);
  }
  const event = encoder.reader.read(value);
  if (event instanceof Refusal) return event;
  const fields = event as unknown as Fields;
  const { time, forbidden } = encoder.consumer;
  if (time !== undefined) {
    const at = (fields[time] ?? 0) as number;
    if (!isTimely(at, publishedUs)) {
      return new Refusal("time_out_of_range", `${time} is ${isoOf(at)}, published ${isoOf(publishedUs)}`, time);
    }
  }
  if (forbidden === undefined || fields[forbidden.column] !== forbidden.value) return fields;
  return new Refusal("invalid", forbidden.detail, forbidden.column);
}

/** JavaScript's dates end in the year 275760; an event's needn't. */
const isoOf = (us: number): string => {
  const ms = us / 1000;
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : `${shownValue(us)} microseconds since 1970`;
};
