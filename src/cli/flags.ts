import { DateTime } from "luxon";
import { CONSUMERS } from "../../consumers/all.ts";
import { TradetapeError } from "../errors.ts";
import { DAY_MS } from "../event/day.ts";
import { isUuid } from "../event/field/checks.ts";
import type { EventTopic } from "../event/schemas.ts";
import { topicName } from "../topic/topics.ts";

/** Every topic that lands, by its short name. */
export const CONSUMED_TOPICS: readonly EventTopic[] = CONSUMERS.map(({ topic }) => topic);

/** A topic by its short or its full name. */
export function knownTopic(namespace: string, name: string): EventTopic {
  const found = CONSUMED_TOPICS.find((topic) => name === topic || name === topicName(namespace, topic));
  if (found === undefined) throw wrong(`topic ${name}`, CONSUMED_TOPICS.join(", "));
  return found;
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: DAY_MS };

/** ISO 8601, or how long ago: a number and s, m, h or d. */
export function timeOf(flag: string, text: string | undefined, nowMs: number): string | undefined {
  if (text === undefined) return undefined;
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const time = unit
    ? DateTime.fromMillis(nowMs - Number(count) * UNIT_MS[unit]!)
    : DateTime.fromISO(text, { zone: "utc", setZone: false });
  const iso = time.toUTC().toISO();
  if (iso === null) throw wrong(`${flag} ${text}`, "2026-07-01, 2026-07-01T14:30Z, or how long ago as 90m, 6h, 7d");
  return iso;
}

/** A whole number of at least `least`. @throws TradetapeError input_invalid */
export function wholeFlag(flag: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least) {
    throw wrong(`${flag} ${text}`, `a whole number, ${least} or more`);
  }
  return value;
}

/** A sum of money above 0. @throws TradetapeError input_invalid */
export function moneyFlag(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (value > 0 && value < Number.POSITIVE_INFINITY) return value;
  throw wrong(`${flag} ${text}`, "a sum of money above 0, as 100000");
}

/** A UUID in capitals or not, as events spell it. @throws TradetapeError input_invalid */
export function uuidOf(what: string, text: string | undefined, allowed: string): string {
  const id = (text ?? "").toLowerCase();
  if (!isUuid(id)) throw wrong(`${what} ${text}`, allowed);
  return id;
}

export const wrong = (what: string, allowed: string): TradetapeError =>
  new TradetapeError("input_invalid", `${what} can't be used`, { next: `It can be: ${allowed}.` });

const NOTE_CHARACTERS_MAX = 1000;

/** What a flag says why, as a deed keeps it. @throws TradetapeError input_invalid */
export function oneLine(flag: string, text: string): string {
  const note = text.trim();
  if (note === "" || note.length > NOTE_CHARACTERS_MAX || /\p{Cc}/u.test(note) || !note.isWellFormed()) {
    throw wrong(flag, `one line of 1 to ${NOTE_CHARACTERS_MAX} characters`);
  }
  return note;
}
