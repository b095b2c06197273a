import { shown, TradetapeError } from "../errors.ts";
import { isUuid } from "../event/field/checks.ts";
import type { EventTopic } from "../event/schemas.ts";
import { Decisions } from "./decision.ts";
import type { Feed, FeedOptions, Producer, Sniffed } from "./feed.ts";
import { type Conversion, type Format, type Opening, refusal } from "./format.ts";
import { type FeedInput, openInput } from "./input.ts";
import { LineSplitter, PlaceFinder } from "./lines.ts";
import { Reading } from "./reading.ts";
import { readSample, type Sample } from "./sample.ts";

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

/** A file that is open, its format, and what the format made of its first lines. */
interface Opened<T extends EventTopic> {
  readonly input: FeedInput;
  readonly sample: Sample;
  readonly format: Format<T>;
  readonly opening: Opening;
  readonly conversion: Conversion<T>;
}

/**
 * Declares a producer: `tradetape publish` opens files of its kind with it.
 * @param byMap the format that a map file says, for kinds that maps can say
 */
export function producerOf<T extends EventTopic>(
  topic: T,
  formats: readonly Format<T>[],
  byMap?: (path: string) => Format<T>,
): Producer<T> {
  const opened = async (file: string, given: FeedOptions): Promise<Opened<T>> => {
    const options = checkOptions(given);
    const told = options.map === undefined ? undefined : mapped(topic, options.map, byMap);
    const input = await openInput(file);
    try {
      const sample = await readSample(input.file, input.chunks, told?.encoding);
      const decisions = new Decisions();
      const format = told ?? choose(formats, sample, input.file, options.format);
      const by = told ? "--map" : options.format ? "--format" : "the file's first lines";
      decisions.take("format", format.name, by);
      if (sample.encoding !== "utf-8") decisions.take("encoding", sample.encoding, sample.encodingBy);
      const opening = { file: input.file, names: input.names, lines: sample.lines, options, decisions };
      return { input, sample, format, opening, conversion: format.open(opening) };
    } catch (error) {
      input.close();
      throw error;
    }
  };
  /** The first rows under an answer, or why the file refuses the answer. */
  const rowsWith = async (file: string, given: FeedOptions): Promise<(object | string)[]> => {
    try {
      const { input, sample, conversion } = await opened(file, given);
      input.close();
      return firstRows(sample, conversion);
    } catch (error) {
      if (!(error instanceof TradetapeError && error.code === "input_invalid")) throw error;
      return [error.message];
    }
  };
  return {
    topic,
    formats,
    async open(file, given = {}) {
      const parts = await opened(file, given);
      try {
        parts.opening.decisions.refuseUndecided(parts.input.file);
      } catch (error) {
        parts.input.close();
        throw error;
      }
      return feedOf(topic, parts);
    },
    async sniff(file, given = {}) {
      const first = await opened(file, given);
      first.input.close();
      const { questions } = first.opening.decisions;
      const answers = questions.flatMap(({ choices }) =>
        (choices?.values ?? []).map((value) => ({ [choices!.option]: value })),
      );
      const readings: Sniffed["readings"][number][] = [];
      for (const answer of answers.length > 0 ? answers : [{}]) {
        const name = Object.entries(answer).map(([option, value]) => `${flagOf(option)} ${value}`);
        readings.push({ answer: name.join(""), rows: await rowsWith(file, { ...given, ...answer }) });
      }
      const { map } = first.conversion;
      return { description: describe(first), questions, map, lines: first.sample.lines.slice(0, SHOWN), readings };
    },
  };
}

const SHOWN = 5;

/** What an option of ours is called on the command line. */
const flagOf = (option: string) => `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

function firstRows<T extends EventTopic>(sample: Sample, { head, convert }: Conversion<T>): (object | string)[] {
  return sample.lines.slice(head, head + SHOWN).flatMap((line) => convert(line) ?? "left out");
}

function mapped<T extends EventTopic>(topic: T, path: string, byMap?: (path: string) => Format<T>): Format<T> {
  if (byMap !== undefined) return byMap(path);
  throw refusal(
    `--map says how ticks, quotes and bars are written, and these are ${topic}`,
    "Write them as JSON lines.",
  );
}

function choose<T extends EventTopic>(
  formats: readonly Format<T>[],
  sample: Sample,
  file: string,
  wanted: string | undefined,
): Format<T> {
  if (wanted !== undefined) {
    const named = formats.find((format) => format.name === wanted);
    const names = formats.map((format) => format.name).join(", ");
    if (named === undefined) throw refusal(`--format ${shown(wanted)} isn't known here`, `Use one of ${names}.`);
    return named;
  }
  const lines = sample.lines.length > 0 ? sample.lines : [sample.head];
  const found = formats.find((format) => format.detects(lines));
  if (found !== undefined) return found;
  if (/^\s*\[/.test(lines[0]!)) {
    throw refusal(`${file} is one JSON array`, "Write one object per line, as `jq -c '.[]'` does.");
  }
  const begin = `it begins with ${shown(lines[0]!)}`;
  if (formats.length <= 5) {
    throw refusal(`${file} has none of ${formats.map(({ name }) => name).join(", ")}; ${begin}`, "Check the file.");
  }
  // Of each kind the format that goes by a header's names stands before JSON lines, which are the last.
  const byHeader = formats.at(-2)!.name;
  throw refusal(
    `${file} has none of the formats of \`tradetape feeds list\`; ${begin}`,
    `If it has a header, say --format ${byHeader} and --column FIELD=NAME for each column; else say what it is by --map FILE.`,
  );
}

function describe<T extends EventTopic>({ input, format, opening }: Opened<T>): Feed<T>["description"] {
  return {
    file: input.file,
    format: format.name,
    about: format.about,
    ...(input.compression ? { compression: input.compression } : {}),
    decisions: opening.decisions.made,
  };
}

function feedOf<T extends EventTopic>(topic: T, opened: Opened<T>): Feed<T> {
  const { input, format, opening, conversion } = opened;
  const reading = new Reading(topic, conversion, opening.options);
  let isClosed = false;
  return {
    topic,
    description: describe(opened),
    symbols: conversion.symbols,
    batches: async function* (from) {
      const splitter = new LineSplitter(format.lineBytesMax);
      const finder = from && new PlaceFinder(input.file, from);
      try {
        for await (const chunk of opened.sample.chunks) {
          for (const part of finder?.cut(chunk) ?? [chunk]) {
            const made = reading.batch(splitter.split(part));
            const end = finder?.pass(part, splitter.lines);
            if (end !== undefined) yield { ...made, end };
            else if (finder === undefined && made.events.length + made.rejections.length > 0) yield made;
          }
        }
        // The line that was being read may be half of one.
        if (isClosed) return;
        finder?.requirePassed();
        const last = reading.batch(splitter.end());
        if (last.events.length + last.rejections.length > 0) yield last;
      } finally {
        input.close();
      }
    },
    leftOut: () => reading.leftOut(),
    warnings: () => reading.warnings(),
    progress: input.progress,
    close: () => {
      isClosed = true;
      input.close();
    },
  };
}
