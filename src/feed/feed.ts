import type { EventOfTopic, SymbolEvent } from "../event/events.ts";
import type { EventTopic } from "../event/schemas.ts";

/** A line that gives no event, and why: a value, because the lines after it go on. */
export interface Rejection {
  /** Counted from 1 in the (unpacked) file. */
  readonly line: number;
  readonly reason: string;
}

/** What some consecutive lines gave; a few hundred to a few thousand events. */
export interface FeedBatch<T extends EventTopic> {
  readonly events: EventOfTopic[T][];
  readonly rejections: Rejection[];
}

/** What a person may say about a file; everything else is detected, and named in the description. */
export interface FeedOptions {
  /** TICKER or TICKER@EXCHANGE; formats whose file names hold the ticker do without. */
  readonly symbol?: string | undefined;
  /** IANA name of the zone of times without one, as in America/New_York. */
  readonly tz?: string | undefined;
  /** YYYY-MM-DD, for formats whose lines hold only the time of day. */
  readonly date?: string | undefined;
  /** How dates are written, as in dd/mm/yyyy, where the file alone can't tell. */
  readonly dateFormat?: string | undefined;
  /** Length of the bars: 1s, 1min, 5min, 1h, 1d, 1w, 1mo. */
  readonly interval?: string | undefined;
  /**
   * Names the data set and is part of every id. The default comes from the format alone, never from the file's name, so
   * that publishing a renamed file again is harmless.
   */
  readonly source?: string | undefined;
  /** The backtest session of every event. */
  readonly session?: string | undefined;
  /** What a publisher sends at most, in bytes of its wire format (default 1 MiB); a larger event rejects its line. */
  readonly eventBytesMax?: number | undefined;
  /** The format's name, where detection shall not decide. */
  readonly format?: string | undefined;
}

/** What was detected or told, for a dry run. Fields that don't apply are absent. */
export interface FeedDescription {
  readonly file: string;
  readonly format: string;
  readonly about: string;
  readonly encoding: string;
  readonly compression?: "zip" | "gzip";
  readonly source?: string;
  readonly symbol?: string;
  /** The unit of times given as numbers. */
  readonly unit?: "s" | "ms" | "us" | "ns";
  readonly tz?: string;
  readonly date?: string;
  readonly dateFormat?: string;
  readonly interval?: string;
  readonly session?: string;
  readonly notes: readonly string[];
}

/** An opened file: described, and not yet read beyond its first lines. */
export interface Feed<T extends EventTopic> {
  readonly topic: T;
  readonly description: FeedDescription;
  /**
   * Publish these first: the instrument that --symbol or the file's name gives. `revised_at` 0 loses to every described
   * symbol, so a feed never overrides what the desk said.
   */
  readonly symbols: readonly SymbolEvent[];
  /** The events in the file's order, with their ids. Can be read once; leaving the loop closes the file. */
  batches(): AsyncGenerator<FeedBatch<T>, void, undefined>;
  /** Bytes of the file as it lies on disk; `total` null for standard input. */
  progress(): { readonly read: number; readonly total: number | null };
  /** Closes a file whose batches nobody reads, as after a dry run's description. */
  close(): void;
}

/** How one kind of event is read from files: what `tradetape publish KIND` runs. */
export interface Producer<T extends EventTopic> {
  readonly topic: T;
  /**
   * Opens a file (`-` is standard input; .zip with one entry and .gz are unpacked), decides its format and reads its
   * first lines.
   * @throws TradetapeError input_invalid when it can't be read at all: missing, empty, binary, no known format, or a
   * decision that only a flag can make.
   */
  open(file: string, options?: FeedOptions): Promise<Feed<T>>;
}
