import { TradetapeError } from "../errors.ts";
import type { EventOfTopic, SymbolEvent } from "../event/events.ts";
import type { EventTopic } from "../event/schemas.ts";
import type { Decisions } from "./decision.ts";
import type { FeedOptions, FormatInfo } from "./feed.ts";

/** What a format decides by: the first lines, the file's names and the flags. */
export interface Opening {
  readonly file: string;
  readonly names: readonly string[];
  /** None of them blank. */
  readonly lines: readonly string[];
  readonly options: FeedOptions;
  readonly decisions: Decisions;
}

/**
 * What a line gives: an event, the reason why it is rejected, or none (the map leaves the line out); several of the two
 * where a line holds several instruments.
 */
export type LineOutcome<T extends EventTopic> = EventOfTopic[T] | string | null | (EventOfTopic[T] | string)[];

/** A format settled for one file. */
export interface Conversion<T extends EventTopic> {
  readonly symbols: readonly SymbolEvent[];
  /** Lines before the first row, blank ones not counted. */
  readonly head: number;
  /** Whether two lines of one file with one id have to say the same; JSON lines may revise what they said. */
  readonly isOnce: boolean;
  /** The layout as a map, where a map can say it. */
  readonly map?: object;
  /** The caller counts lines and skips blank ones. */
  convert(text: string): LineOutcome<T>;
  /** The instruments that lines named since the last call, where lines name them. */
  found?(): SymbolEvent[];
}

/** A way of writing one kind of event into lines. */
export interface Format<T extends EventTopic> extends FormatInfo {
  readonly lineBytesMax: number;
  /** Of the text, where a map says it. */
  readonly encoding?: string | undefined;
  /** Whether a file begins like this; the first of `lines` may be the start of a very long one. */
  detects(lines: readonly string[]): boolean;
  /** Records what it decides and what it can't in `opening.decisions`. */
  open(opening: Opening): Conversion<T>;
}

/** No line of market data comes near; a longer one is damage. */
export const CSV_LINE_BYTES_MAX = 64 * 1024;

/** An input fault with its way out. */
export function refusal(message: string, next: string): TradetapeError {
  return new TradetapeError("input_invalid", message, { next });
}
