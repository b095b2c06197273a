import { TRACE_HEADERS } from "../../event/workflow.ts";
import type { StoredHeaders } from "../../table/landing/letters.ts";
import type { RecordHeaders } from "../../topic/wire/record-writer.ts";

/**
 * What a redriven letter's message carries beside its own headers: how many times the event has been redriven, the
 * letter it came from (topic/partition/offset), and the broker's time that it had first, in microseconds since 1970.
 */
export const REDRIVE_HEADERS = {
  attempt: "tradetape-redrive",
  from: "tradetape-redriven-from",
  revisedAt: "tradetape-revised-at",
} as const;

export const base64 = (data: string | Buffer): string => Buffer.from(data as string).toString("base64");

/** A name may hold a NUL, which no text of PostgreSQL can: it is written \0, and so a backslash is written twice. */
const storedName = (name: string): string => name.replaceAll("\\", "\\\\").replaceAll("\0", "\\0");
const rawName = (name: string): string => name.replace(/\\([\\0])/g, (_, escaped) => (escaped === "0" ? "\0" : "\\"));

/** Headers as JSON can hold them. */
export function storedHeaders(headers: RecordHeaders | undefined): StoredHeaders {
  const bytes = (data: string | Buffer | null) => (data === null ? null : base64(data));
  // Not by assignment: that would lose a header whose name is __proto__.
  return Object.fromEntries(
    Object.entries(headers ?? {})
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [storedName(name), Array.isArray(value) ? value.map(bytes) : bytes(value!)]),
  );
}

/** The headers as they were, for publishing; one without a value gets an empty one. */
export function rawHeaders(stored: StoredHeaders): RecordHeaders {
  const bytes = (text: string | null) => Buffer.from(text ?? "", "base64");
  return Object.fromEntries(
    Object.entries(stored).map(([name, value]) => [
      rawName(name),
      Array.isArray(value) ? value.map(bytes) : bytes(value as string | null),
    ]),
  );
}

/** The first value of a header as text that PostgreSQL can hold, null where there is none. */
export function firstHeader(headers: RecordHeaders | undefined, name: string): string | null {
  const value = headers?.[name];
  const first = Array.isArray(value) ? value[0] : value;
  return first === undefined || first === null ? null : first.toString().replaceAll("\0", "\ufffd");
}

/** Version, trace, parent, flags. */
const TRACE_PARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Headers that what is published because of an event carries on. Any program can write one: what is no trace is none. */
export function carriedHeaders(headers: RecordHeaders | undefined): StoredHeaders {
  const parent = firstHeader(headers, TRACE_HEADERS.parent);
  return parent !== null && TRACE_PARENT.test(parent) ? { [TRACE_HEADERS.parent]: base64(parent) } : {};
}

/** How many times the event has been redriven before. Any program can write a header: what isn't a count is none. */
export function redriveAttempts(headers: RecordHeaders | undefined): number {
  return wholeNumber(firstHeader(headers, REDRIVE_HEADERS.attempt), ATTEMPTS_MAX) ?? 0;
}

/** A bound within `dead_letter.attempts`, which is an integer of 32 bits. */
const ATTEMPTS_MAX = 1_000_000;

/**
 * When an event was first published, in microseconds: a redriven one must not beat a revision that came after it.
 * A header that says a later time than the broker does is a forgery or a mistake, and means nothing.
 */
export function firstPublishedUs(headers: RecordHeaders | undefined, publishedUs: number): number {
  if (headers?.[REDRIVE_HEADERS.revisedAt] === undefined) return publishedUs;
  return wholeNumber(firstHeader(headers, REDRIVE_HEADERS.revisedAt), publishedUs) ?? publishedUs;
}

function wholeNumber(text: string | null, max: number): number | undefined {
  if (text === null || !/^\d{1,16}$/.test(text)) return undefined;
  const value = Number(text);
  return value <= max ? value : undefined;
}
