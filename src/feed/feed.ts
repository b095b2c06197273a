import type { EventOfTopic, SymbolEvent } from "../event/events.ts";
import type { RulesOff } from "../event/rules.ts";
import type { EventTopic } from "../event/schemas.ts";
import type { Early1970 } from "../event/time/range.ts";
import type { Decision, Question } from "./decision.ts";

/** A line that gives no event, and why: a value, because the lines after it go on. */
export interface Rejection {
  /** Counted from 1 in the (unpacked) file. */
  readonly line: number;
  readonly reason: string;
  /** The line itself, without its end. */
  readonly text: string;
  /** Why `text` isn't all of the line: it is the beginning of a longer one, or its bytes are no text. */
  readonly damage?: "cut" | "not UTF-8";
}

/** How far a file has been read: its whole lines, their bytes (unpacked, as UTF-8), and the digest of these bytes. */
export interface Place {
  readonly lines: number;
  readonly bytes: number;
  readonly sha256: string;
}

/** Something that is allowed and rarely right, as a price a hundred times the one before it. */
export interface Warning {
  readonly what: string;
  readonly count: number;
  /** The first line of it. */
  readonly line: number;
}

/** What some consecutive lines gave; a few hundred to a few thousand events. */
export interface FeedBatch<T extends EventTopic> {
  readonly events: EventOfTopic[T][];
  readonly rejections: Rejection[];
  /** Instruments that these lines name for the first time: to be published before the events. */
  readonly symbols: readonly SymbolEvent[];
  /** Where these lines end, in a file whose places are followed. */
  readonly end?: Place;
}

/** What a person may say about a file. What neither this nor the file decides is asked, never assumed. */
export interface FeedOptions {
  /** TICKER or TICKER@EXCHANGE; formats whose file names hold the ticker do without. */
  readonly symbol?: string | undefined;
  /** "all" or A,B,C: which instruments to take from a file that holds several. */
  readonly symbols?: string | undefined;
  /** Whether JSON lines may name their symbols by ticker, and these are published before them. */
  readonly makeSymbols?: boolean | undefined;
  /** IANA name of the zone of times without one, as in America/New_York. */
  readonly tz?: string | undefined;
  /** YYYY-MM-DD, for formats whose lines hold only the time of day. */
  readonly date?: string | undefined;
  /** How dates are written, as in dd/mm/yyyy, where the file alone can't tell. */
  readonly dateFormat?: string | undefined;
  /** The unit of times that are numbers: s, ms, us or ns. */
  readonly unit?: string | undefined;
  /** Length of the bars: 1s, 1min, 5min, 1h, 1d, 1w, 1mo. */
  readonly interval?: string | undefined;
  /** "comma" or "dot". */
  readonly decimal?: string | undefined;
  /** FIELD=COLUMN each, and ignore=COLUMN for columns that say nothing. */
  readonly column?: readonly string[] | undefined;
  /** The volume of a bar where the file has none. */
  readonly missingVolume?: string | undefined;
  /** What prices are multiplied by, a power of ten. */
  readonly priceScale?: string | undefined;
  /** What sizes and volumes are multiplied by, a power of ten: 100 where they are in lots of a hundred. */
  readonly sizeScale?: string | undefined;
  /** The market of Binance's files, as in spot or um. */
  readonly market?: string | undefined;
  /** The asset class of Lean's files. */
  readonly asset?: string | undefined;
  /**
   * Names the data set and is part of every id. The default comes from the format alone, never from the file's name, so
   * that publishing a renamed file again is harmless.
   */
  readonly source?: string | undefined;
  /** The backtest session of every event. */
  readonly session?: string | undefined;
  /** What a publisher sends at most, in bytes of its wire format (default 1 MiB); a larger event rejects its line. */
  readonly eventBytesMax?: number | undefined;
  /** What becomes of times in the first quarter of 1970; refused where nothing is said. */
  readonly early1970?: Early1970 | undefined;
  /** Rules that are not asked. */
  readonly rulesOff?: RulesOff | undefined;
  /** The format's name, where detection shall not decide. */
  readonly format?: string | undefined;
  /** A file that describes the layout (docs/feeds.md). */
  readonly map?: string | undefined;
  /** Lines that would be warned of are rejected. */
  readonly strict?: boolean | undefined;
}

/** What a file was taken for. */
export interface FeedDescription {
  readonly file: string;
  readonly format: string;
  readonly about: string;
  readonly compression?: "zip" | "gzip";
  /** Everything that was decided about it, and by what. */
  readonly decisions: readonly Decision[];
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
  /**
   * The events in the file's order, with their ids. Can be read once; leaving the loop closes the file.
   * @param from has the file's places followed. What comes before it is read, because ids count equal ticks, but not
   * given.
   * @throws TradetapeError input_invalid for damage further on, and when the file isn't what it was up to `from`
   */
  batches(from?: Place): AsyncGenerator<FeedBatch<T>, void, undefined>;
  /** Lines so far that --symbols or the map's filters left out: neither events nor rejections. */
  leftOut(): number;
  /** What looked wrong in the lines so far, by its kind. */
  warnings(): readonly Warning[];
  /** Bytes of the file as it lies on disk; `total` null for standard input. */
  progress(): { readonly read: number; readonly total: number | null };
  /** Closes the file; a loop over its batches ends then, without the line that was being read. */
  close(): void;
}

/** A format as `tradetape feeds list` shows it. */
export interface FormatInfo {
  readonly name: string;
  readonly about: string;
  /** The first lines of a file of it. */
  readonly sample: readonly string[];
  /** What a person has to say about such a file, as far as its names and rows don't. */
  readonly asks: string;
}

/** How one kind of event is read from files: what `tradetape publish KIND` runs. */
export interface Producer<T extends EventTopic> {
  readonly topic: T;
  /** What `--format` takes, in the order of detection. */
  readonly formats: readonly FormatInfo[];
  /**
   * Opens a file (`-` is standard input; .zip with one entry and .gz are unpacked), decides its format and reads its
   * first lines.
   * @throws TradetapeError input_invalid when it can't be read at all: missing, empty, binary, no known format, or
   * anything that is undecided.
   */
  open(file: string, options?: FeedOptions): Promise<Feed<T>>;
  /** The same with nothing refused for being undecided: what is decided, what isn't, and the rows as they would be read. */
  sniff(file: string, options?: FeedOptions): Promise<Sniffed>;
}

/** What `tradetape feeds sniff` shows. */
export interface Sniffed {
  readonly description: FeedDescription;
  readonly questions: readonly Question[];
  /** The layout as a map, with "?" where nothing decides; undefined for formats that no map can say. */
  readonly map: object | undefined;
  readonly lines: readonly string[];
  /** The first rows, once for each answer of each question that has a few. */
  readonly readings: readonly { readonly answer: string; readonly rows: readonly (object | string)[] }[];
}
