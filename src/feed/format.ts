import { TradetapeError } from "../errors.ts";
import type { EventOfTopic, SymbolEvent } from "../event/events.ts";
import type { EventTopic } from "../event/schemas.ts";
import { isUuid } from "../event/validate.ts";
import { shown } from "./decimal.ts";
import type { Feed, FeedBatch, FeedDescription, FeedOptions, Producer } from "./feed.ts";
import { type FeedInput, openInput } from "./input.ts";
import { LineSplitter } from "./lines.ts";
import { readSample, type Sample } from "./sample.ts";

/** What a format decides by: the first lines, the file's names and the flags. */
export interface Opening {
  readonly file: string;
  readonly names: readonly string[];
  readonly lines: readonly string[];
  readonly options: FeedOptions;
}

/** A format settled for one file. */
interface Conversion<T extends EventTopic> {
  readonly described: Partial<FeedDescription>;
  readonly symbols: readonly SymbolEvent[];
  /** The first line holds the columns' names. */
  readonly header: boolean;
  /** One line's event with its id, or the reason why it is rejected. The caller counts lines and skips blank ones. */
  convert(text: string): EventOfTopic[T] | string;
}

/** A way of writing one kind of event into lines. */
export interface Format<T extends EventTopic> {
  readonly name: string;
  readonly about: string;
  readonly lineBytesMax: number;
  /** Whether a file begins like this format; `first` is its first line, or the start of a very long one. */
  detects(first: string): boolean;
  /** @throws TradetapeError input_invalid when only a flag can decide. */
  open(opening: Opening): Conversion<T>;
}

/** No line of market data comes near; a longer one is damage. */
export const CSV_LINE_BYTES_MAX = 64 * 1024;

/** An input fault with its way out. */
export function refusal(message: string, next: string): TradetapeError {
  return new TradetapeError("input_invalid", message, { next });
}

function checkOptions(options: FeedOptions): FeedOptions {
  const session = options.session?.toLowerCase();
  if (session !== undefined && !isUuid(session)) {
    throw refusal(`--session ${shown(session)} is no UUID`, "Publish the session first, and name it by its id.");
  }
  if (options.source !== undefined && !/^[^\p{C}]{1,200}$/u.test(options.source)) {
    throw refusal(`--source ${shown(options.source)} is empty, too long or not plain text`, "Use a short name.");
  }
  return { ...options, session };
}

/** Declares a producer: `tradetape publish` opens files of its kind with it. */
export function producerOf<T extends EventTopic>(topic: T, formats: readonly Format<T>[]): Producer<T> {
  return {
    topic,
    async open(file, given = {}) {
      const options = checkOptions(given);
      const input = await openInput(file);
      try {
        const sample = await readSample(input.file, input.chunks);
        const format = choose(formats, sample, input.file, options.format);
        return feedOf(topic, format, input, sample, options);
      } catch (error) {
        input.close();
        throw error;
      }
    },
  };
}

function choose<T extends EventTopic>(
  formats: readonly Format<T>[],
  sample: Sample,
  file: string,
  wanted: string | undefined,
): Format<T> {
  const names = formats.map((format) => format.name).join(", ");
  if (wanted !== undefined) {
    const named = formats.find((format) => format.name === wanted);
    if (named === undefined) throw refusal(`--format ${shown(wanted)} isn't known here`, `Use one of ${names}.`);
    return named;
  }
  const first = sample.lines[0] ?? sample.head;
  const found = formats.find((format) => format.detects(first));
  if (found !== undefined) return found;
  if (/^\s*\[/.test(first)) {
    throw refusal(`${file} is one JSON array`, "Write one object per line, as `jq -c '.[]'` does.");
  }
  throw refusal(
    `${file} has none of the formats ${names}; it begins with ${shown(first)}`,
    "Name the format by --format, or convert the file to JSON lines.",
  );
}

function feedOf<T extends EventTopic>(
  topic: T,
  format: Format<T>,
  input: FeedInput,
  sample: Sample,
  options: FeedOptions,
): Feed<T> {
  const { described, symbols, header, convert } = format.open({
    file: input.file,
    names: input.names,
    lines: sample.lines,
    options,
  });
  const description: FeedDescription = {
    file: input.file,
    format: format.name,
    about: format.about,
    encoding: sample.encoding,
    ...(input.compression ? { compression: input.compression } : {}),
    ...(options.session ? { session: options.session } : {}),
    notes: [],
    ...described,
  };
  return {
    topic,
    description,
    symbols,
    batches: () => batches(input, sample, new LineSplitter(format.lineBytesMax), header, convert),
    progress: input.progress,
    close: input.close,
  };
}

async function* batches<T extends EventTopic>(
  input: FeedInput,
  sample: Sample,
  splitter: LineSplitter,
  header: boolean,
  convert: Conversion<T>["convert"],
): AsyncGenerator<FeedBatch<T>, void, undefined> {
  let headerToCome = header;
  const batch = ({ firstLine, texts, rejections }: ReturnType<LineSplitter["split"]>): FeedBatch<T> => {
    const events: EventOfTopic[T][] = [];
    for (let i = 0; i < texts.length; i++) {
      const text = texts[i] ?? null;
      if (text === null || text.trim() === "") continue;
      if (headerToCome) {
        headerToCome = false;
        continue;
      }
      const outcome = convert(text);
      if (typeof outcome === "string") rejections.push({ line: firstLine + i, reason: outcome });
      else events.push(outcome);
    }
    rejections.sort((a, b) => a.line - b.line);
    return { events, rejections };
  };
  try {
    for await (const chunk of sample.chunks) {
      const made = batch(splitter.split(chunk));
      if (made.events.length + made.rejections.length > 0) yield made;
    }
    const last = batch(splitter.end());
    if (last.events.length + last.rejections.length > 0) yield last;
  } finally {
    input.close();
  }
}
