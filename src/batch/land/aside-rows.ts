import { createHash } from "node:crypto";
import type { CutValue, LetterRow, ParkedRow } from "../../table/landing/letters.ts";
import type { EncodedBatch, Letter } from "../encode/encoded-batch.ts";
import { redriveAttempts, storedHeaders } from "../encode/headers.ts";
import type { Parked } from "../write/outcome.ts";

/** Of a value that is larger than an event may be, so much is kept: its schema's id and what a person may recognise. */
const KEPT_BYTES = 1024;

/**
 * The rows of `dead_letter` for a batch's letters, each with its record exactly as it came; of a value that is larger than an
 * event may be with its beginning, its length and its digest.
 */
export function letterRows(batch: EncodedBatch, letters: readonly Letter[], eventBytesMax: number): LetterRow[] {
  return letters.map((letter) => {
    const { key, value, headers } = batch.records.record(letter.index);
    return {
      offset: batch.records.offsetOf(letter.index),
      reason: letter.reason,
      detail: storableDetail(letter.detail),
      column: letter.column ?? null,
      sqlstate: letter.sqlstate ?? null,
      key,
      ...keptOf(value, eventBytesMax),
      headers: storedHeaders(headers),
      publishedAtMs: batch.records.publishedAtMs(letter.index),
      attempts: redriveAttempts(headers),
    };
  });
}

function keptOf(
  value: Buffer | null,
  bytesMax: number,
): { readonly value: Buffer | null; readonly cut: CutValue | null } {
  if (value === null || value.length <= Math.max(bytesMax, KEPT_BYTES)) return { value, cut: null };
  const sha256 = createHash("sha256").update(value).digest("hex");
  // In a buffer of its own, or the letter would keep the whole value in memory.
  return { value: Buffer.from(value.subarray(0, KEPT_BYTES)), cut: { bytes: value.length, sha256 } };
}

/** A detail is cut here, because a library's message may quote all of the bad data. */
const DETAIL_CHARACTERS_MAX = 1000;

/** What PostgreSQL's text can hold: a letter about a NUL, refused for its own detail, would stop the group for good. */
export const storableDetail = (detail: string, charactersMax = DETAIL_CHARACTERS_MAX): string =>
  detail.slice(0, charactersMax).replaceAll("\0", "\\0").toWellFormed();

/** The rows of `parked_event` for events that wait, each with its record exactly as it came. */
export function parkedRows(batch: EncodedBatch, parked: readonly Parked[]): ParkedRow[] {
  return parked.map(({ index, eventId, missing }) => {
    const { key, value, headers } = batch.records.record(index);
    return {
      offset: batch.records.offsetOf(index),
      eventId,
      missing,
      key,
      value: value!,
      headers: storedHeaders(headers),
      publishedAtMs: batch.records.publishedAtMs(index),
    };
  });
}
