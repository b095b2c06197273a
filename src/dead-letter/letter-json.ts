import type { StoredLetter } from "../table/letters/dead-letters.ts";
import type { LetterReading } from "./read.ts";
import { exactFields, HEX_BYTES_MAX, readableBytes, readableHeaders } from "./readable.ts";

/** A letter as JSON shows it: its facts, and its event as far as it can be read. */
export function letterJson(letter: StoredLetter, reading: LetterReading): object {
  const { key, value, cut, headers, ...facts } = letter;
  return {
    ...facts,
    key: key === null ? null : readableBytes(key),
    headers: readableHeaders(headers),
    ...("event" in reading ? { event: exactFields(reading.event) } : reading),
    valueBytes: cut?.bytes ?? value?.length ?? null,
    valueSha256: cut?.sha256 ?? null,
    valueHex: value?.subarray(0, HEX_BYTES_MAX).toString("hex") ?? null,
  };
}
