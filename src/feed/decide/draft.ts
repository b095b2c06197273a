import type { FeedMap } from "../map/schema.ts";

/** What is said about a file before its rows are looked at. */
export interface FeedDraft {
  readonly map: FeedMap;
  /** "the format" or "--map". */
  readonly by: string;
  /** The lengths that bars of a format can have, and each in microseconds, shortest first. */
  readonly among?: readonly (readonly [string, number])[];
  /** What the file's names say. */
  readonly named?: { readonly ticker?: string; readonly date?: string };
}
