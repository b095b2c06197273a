import { isoMicros } from "../audit/entry.ts";
import type { StoredHeaders } from "../table/landing/letters.ts";

/** Bytes shown as hex where nothing better can be: the wire format's header and what a person may recognise. */
export const HEX_BYTES_MAX = 512;

/** JSON has no NaN and no infinities, which are just what a letter may be about. */
export const exactFields = (event: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(event).map(([name, value]) => [
      name,
      typeof value === "number" && !Number.isFinite(value) ? String(value) : value,
    ]),
  );

/** Text where the bytes are text, else hex. */
export function readableBytes(bytes: Buffer): string {
  const text = bytes.toString("utf8");
  const isText = Buffer.from(text, "utf8").equals(bytes) && !/\p{Cc}/u.test(text);
  return isText ? text : `0x${bytes.subarray(0, HEX_BYTES_MAX).toString("hex")}`;
}

/** A record's headers, each as text where it is text. */
export function readableHeaders(headers: StoredHeaders): Record<string, unknown> {
  const one = (value: string | null) => (value === null ? null : readableBytes(Buffer.from(value, "base64")));
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.map(one) : one(value as string | null),
    ]),
  );
}

/** A time as people read it, in UTC and to the microsecond; the number where it is beyond what events may hold. */
export const utcText = (us: number): string => (Number.isSafeInteger(us) ? isoMicros(us) : String(us));
