import { types } from "node:util";
import { TradetapeError } from "../../errors.ts";
import { parseIso } from "./iso.ts";

/** A Temporal.Instant or Temporal.ZonedDateTime. */
interface Instant {
  readonly epochNanoseconds: bigint;
}

/**
 * A moment as programs have it: whole microseconds since 1970, a Date, ISO 8601 text with its zone, nanoseconds since 1970
 * as a bigint, or a Temporal.Instant. Numbers are microseconds, never seconds or milliseconds.
 */
export type Time = number | Date | string | bigint | Instant;

/** Whole microseconds, and the nanoseconds 0 to 999 below; null where how the time is given tells of none. */
interface Read {
  readonly us: number;
  readonly ns: number | null;
}

const FORMS =
  "must be whole microseconds since 1970, a Date, ISO text with its zone, nanoseconds as a bigint, or a Temporal.Instant";
const OUTSIDE = "lies outside of the years 1684 to 2255, which microseconds within 2^53 reach";

/** Reads a time of any form but null. Text is what is wrong, as the end of a sentence that begins with the time's name. */
export function readMoment(time: unknown): Read | string {
  if (typeof time === "bigint") return ofNanos(time);
  if (typeof time === "string") return ofText(time);
  if (types.isDate(time))
    return Number.isNaN(time.getTime()) ? "is an invalid Date" : within(time.getTime() * 1000, null);
  if (typeof time === "number") return Number.isSafeInteger(time) ? { us: time, ns: null } : FORMS;
  const nanos = (time as Partial<Instant> | null | undefined)?.epochNanoseconds;
  return typeof nanos === "bigint" ? ofNanos(nanos) : FORMS;
}

function ofNanos(nanos: bigint): Read | string {
  const ns = ((nanos % 1000n) + 1000n) % 1000n;
  return within(Number((nanos - ns) / 1000n), Number(ns));
}

function ofText(text: string): Read | string {
  const read = parseIso(text);
  if (typeof read === "string") return `can't be read: ${read}`;
  if (!read.zoned) return `${JSON.stringify(text)} has no zone: end it with Z or an offset, as in +01:00`;
  return within(read.us, /[.,]\d{7}/.test(text) ? read.ns : null);
}

const within = (us: number, ns: number | null): Read | string => (Number.isSafeInteger(us) ? { us, ns } : OUTSIDE);

/** The same where microseconds are all that can be kept. */
export function readMicros(time: unknown): number | string {
  const read = readMoment(time);
  if (typeof read === "string") return read;
  return (read.ns ?? 0) === 0 ? read.us : `has ${read.ns} nanoseconds below its microsecond, which can't be kept`;
}

/**
 * A time in whole microseconds since 1970, as events have it.
 * @throws TradetapeError input_invalid: text without a zone, what is no time, and nanoseconds below a microsecond, which a
 * tick's `timestamp` may have and a number of microseconds can't
 */
export function micros(time: Time): number {
  const us = readMicros(time);
  if (typeof us === "number") return us;
  throw new TradetapeError("input_invalid", `the time ${us}`, { next: "Mend the call." });
}
