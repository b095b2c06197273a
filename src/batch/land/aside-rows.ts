import type { LetterRow, ParkedRow } from "../../table/landing/letters.ts";
import type { EncodedBatch, Letter } from "../encode/encoded-batch.ts";
import { redriveAttempts, storedHeaders } from "../encode/headers.ts";
import type { Parked } from "../write/outcome.ts";

/** The rows of `dead_letter` for a batch's letters, with the record exactly as it came. */
export function letterRows(batch: EncodedBatch, letters: readonly Letter[]): LetterRow[] {
  return letters.map((letter) => {
    const { key, value, headers } = batch.records.record(letter.index);
    return {
      offset: batch.records.offsetOf(letter.index),
      reason: letter.reason,
      detail: storableDetail(letter.detail),
      column: letter.column ?? null,
      sqlstate: letter.sqlstate ?? null,
      key,
      value,
      headers: storedHeaders(headers),
      publishedAtMs: batch.records.publishedAtMs(letter.index),
      attempts: redriveAttempts(headers),
    };
  });
}

/** A detail may quote the data that is wrong, by whatever library's words. */
const DETAIL_CHARACTERS_MAX = 1000;

/** Without this, a letter about a NUL could be refused for its own text, and the group would stand still for good. */
const storableDetail = (detail: string): string =>
  detail.slice(0, DETAIL_CHARACTERS_MAX).replaceAll("\0", "\\0").toWellFormed();

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
