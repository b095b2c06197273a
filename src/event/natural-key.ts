import { hash } from "node:crypto";
import { v5 } from "uuid";
import type { EventName } from "./schemas.ts";

/**
 * How a natural key becomes an id, field by field: `begin`, the `put`s in the key's order, `finish`.
 *
 * Deterministic ids: UUID version 5 of an event's natural key, so that publishing the same thing again is harmless.
 *
 * The hashed name is the key's fields in a fixed order, each as its length in bytes (int32, big-endian) and its UTF-8
 * bytes; null is length -1 and no bytes. Lengths, not separators: a separator could stand in a ticker. Doubles are the
 * 16 lower-case hexadecimal digits of their 8 big-endian bytes (decimal text differs between languages), times whole
 * microseconds and other integers decimal text, ids lower-case text, a list its count and then its elements.
 * -0 counts as 0, because PostgreSQL and JSON readers don't tell them apart; NaN and infinities have no id.
 * `schemas/ids.json` pins all of this for other languages.
 */

/** Every rule by which this code makes ids, and its namespace. A test fails for a rule without a vector in `schemas/ids.json`. */
export const ID_RULES = {
  symbol: "symbol",
  strategy: "strategy",
  session: "session",
  demo_session: "session",
  tick: "tick",
  nth_tick: "tick",
  quote: "quote",
  nth_quote: "quote",
  bar: "bar",
  indicator: "indicator",
  prediction: "prediction",
  decision: "decision",
  fill: "fill",
  performance: "performance",
  outcome: "outcome",
  call: "call",
  content: "content",
  audit_entry: "audit",
  audit_letter: "audit",
  audit_receipt: "audit",
  audit_loss: "audit",
  audit_deed: "audit",
  audit_replay: "audit",
  audit_checkpoint: "audit",
} as const satisfies Readonly<Record<string, Namespace>>;

export type IdRule = keyof typeof ID_RULES;
export type Namespace = EventName | "strategy";

/** One namespace per event, itself a UUID version 5 of `urn:tradetape:<event>` under the URL namespace of RFC 9562. */
export const NAMESPACES: Readonly<Record<Namespace, string>> = Object.fromEntries(
  Object.values(ID_RULES).map((name) => [name, v5(`urn:tradetape:${name}`, v5.URL)]),
) as Record<Namespace, string>;

const UUID_BYTES = 16;
const prefixes = Object.fromEntries(
  Object.entries(NAMESPACES).map(([name, uuid]) => [name, Buffer.from(uuid.replaceAll("-", ""), "hex")]),
) as Record<Namespace, Buffer>;

/** One buffer serves every call (nothing here awaits); it grows for the rare long key and keeps that size. */
let scratch = Buffer.allocUnsafe(4096);
let used = 0;

const float = new Float64Array(1);
const floatBytes = new Uint8Array(float.buffer);
const HEX_CODES = Buffer.from("0123456789abcdef");

export const begin = (rule: IdRule): void => beginIn(ID_RULES[rule]);

function beginIn(namespace: Namespace): void {
  prefixes[namespace].copy(scratch, 0);
  used = UUID_BYTES;
}

function reserve(bytes: number): void {
  if (used + bytes <= scratch.length) return;
  const larger = Buffer.allocUnsafe((used + bytes) * 2);
  scratch.copy(larger, 0, 0, used);
  scratch = larger;
}

function putLength(length: number): void {
  scratch[used++] = length >>> 24;
  scratch[used++] = (length >>> 16) & 255;
  scratch[used++] = (length >>> 8) & 255;
  scratch[used++] = length & 255;
}

/** Nearly every field is short ASCII, which a loop writes faster than a call into Buffer.write. */
export function putText(text: string | null | undefined): void {
  if (text === null || text === undefined) {
    reserve(4);
    putLength(-1);
    return;
  }
  reserve(4 + text.length * 3);
  const start = used;
  putLength(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 127) {
      used = start;
      putWideText(text);
      return;
    }
    scratch[used++] = code;
  }
}

function putWideText(text: string): void {
  // A lone surrogate would be written as U+FFFD, and two different keys would share an id.
  if (!text.isWellFormed()) throw new Error("identity: text with a lone surrogate has no id");
  const bytes = scratch.write(text, used + 4, "utf8");
  putLength(bytes);
  used += bytes;
}

export function putInteger(value: number | null | undefined): void {
  if (value === null || value === undefined) putText(null);
  else putText(integerField(value));
}

export function putDouble(value: number | null | undefined): void {
  if (value === null || value === undefined) {
    putText(null);
    return;
  }
  if (!Number.isFinite(value)) throw new Error("identity: NaN and infinities have no id");
  float[0] = value === 0 ? 0 : value;
  reserve(20);
  putLength(16);
  // Every platform Node runs on is little-endian, so the big-endian bytes come from the end.
  for (let i = 7; i >= 0; i--) {
    const byte = floatBytes[i]!;
    scratch[used++] = HEX_CODES[byte >> 4]!;
    scratch[used++] = HEX_CODES[byte & 15]!;
  }
}

export function putTexts(texts: readonly string[] | null | undefined): void {
  if (texts === null || texts === undefined) {
    putText(null);
    return;
  }
  putInteger(texts.length);
  for (const text of texts) putText(text);
}

export function finish(): string {
  const hex = hash("sha1", scratch.subarray(0, used), "hex");
  const variant = VARIANT_DIGITS[Number.parseInt(hex[16]!, 16) & 3]!;
  const version5 = `5${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}`;
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${version5}-${hex.slice(20, 32)}`;
}

const VARIANT_DIGITS = "89ab";

/** An id by one of this code's own rules, of a key whose fields are text. */
export function idBy(rule: IdRule, fields: readonly (string | null)[]): string {
  return eventId(ID_RULES[rule], fields);
}

/**
 * An id of any natural key: what programs make the ids of their own events by. Doubles and times in `fields` must already
 * be text, by `doubleField` and `integerField`. This code's own ids go by `idBy`, which knows their rules.
 */
export function eventId(namespace: Namespace, fields: readonly (string | null)[]): string {
  beginIn(namespace);
  for (const field of fields) putText(field);
  return finish();
}

/** A double as the key's text: the 16 hexadecimal digits of its big-endian bytes. */
export function doubleField(value: number): string {
  used = 0;
  putDouble(value);
  return scratch.toString("latin1", 4, 20);
}

/** An integer, or a time in whole microseconds, as the key's text. Throws outside 2^53: rounded, it is another key. */
export function integerField(value: number): string {
  if (!Number.isSafeInteger(value)) throw new Error("identity: an integer or a time outside 2^53 has no id");
  return String(value === 0 ? 0 : value);
}
