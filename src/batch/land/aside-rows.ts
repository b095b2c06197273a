import type { LetterRow, ParkedRow } from "../../table/landing/letters.ts";
import type { EncodedBatch, Letter } from "../encode/encoded-batch.ts";
import { redriveAttempts, storedHeaders } from "../encode/headers.ts";
import type { Parked } from "../write/outcome.ts";

/** The rows of `dead_letter` for a batch's letters, each with its record exactly as it came. */
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
