import { isUtf8 } from "node:buffer";
import { TradetapeError } from "../errors.ts";
import { LineSplitter } from "./lines.ts";

/** Thousands of rows: enough to tell dd/mm from mm/dd in nearly every file, and read in a few milliseconds. */
const SAMPLE_BYTES_MAX = 256 * 1024;

/** What tells the encoding; a pipe may give less at a time. */
const START_BYTES = 16;

/** The beginning of a file, by which its format is decided, and the whole of its bytes as UTF-8. */
export interface Sample {
  readonly encoding: string;
  /** What decided the encoding. */
  readonly encodingBy: string;
  /** The first characters, for a first line that is longer than the sample. */
  readonly head: string;
  /** The whole lines of the beginning, none of them blank; the last one only when it is known to be whole. */
  readonly lines: readonly string[];
  /** Every byte of the file from its start, without a byte order mark. */
  readonly chunks: AsyncIterable<Buffer>;
}

const refuse = (message: string, next: string) => new TradetapeError("input_invalid", message, { next });

/** Containers that people try to publish, by their first bytes. */
const BINARY_MAGIC: readonly [string, string][] = [
  ["PAR1", "a Parquet file"],
  ["\x28\xb5\x2f\xfd", "a zstd archive"],
  ["BZh", "a bzip2 archive"],
  ["\xfd7zXZ", "an xz archive"],
  ["7z\xbc\xaf", "a 7-Zip archive"],
  ["DBN", "a Databento file"],
  ["\xd0\xcf\x11\xe0", "an Excel file"],
];

/**
 * Reads the first `SAMPLE_BYTES_MAX` bytes, or just the first line when it is JSON: a program that pipes events in
 * mustn't wait until it has written a quarter of a megabyte.
 * @throws TradetapeError input_invalid when there is nothing, or no text.
 */
export async function readSample(file: string, source: AsyncIterable<Buffer>, told?: string): Promise<Sample> {
  const iterator = source[Symbol.asyncIterator]();
  const start = await readStart(iterator);
  if (start.length === 0) throw refuse(`${file} is empty`, "Check how it was made.");
  const found = encodingOf(start);
  const { encoding, by, skip } = told === undefined ? found : { ...found, encoding: told, by: "--map" };
  const decoded = decode(start.subarray(skip), iterator, encoding);
  const taken: Buffer[] = [];
  let bytes = 0;
  let ended = true;
  for await (const chunk of takeUnclosed(decoded)) {
    refuseBinary(file, chunk, bytes);
    taken.push(chunk);
    bytes += chunk.length;
    if (bytes >= SAMPLE_BYTES_MAX || isJsonLine(taken)) {
      ended = false;
      break;
    }
  }
  const lines = wholeLines(Buffer.concat(taken), ended);
  refuseOldLineEnds(file, taken[0], lines);
  refuseOtherText(file, taken[0] ?? Buffer.alloc(0));
  if (bytes === 0 || (ended && lines.length === 0)) throw refuse(`${file} holds no line`, "Check how it was made.");
  async function* chunks() {
    yield* taken;
    yield* decoded;
  }
  return { encoding, encodingBy: by, head: taken[0]!.toString("utf8", 0, 64), lines, chunks: chunks() };
}

async function readStart(iterator: AsyncIterator<Buffer>): Promise<Buffer> {
  let start: Buffer = Buffer.alloc(0);
  while (start.length < START_BYTES) {
    const next = await iterator.next();
    if (next.done === true) break;
    start = start.length === 0 ? next.value : Buffer.concat([start, next.value]);
  }
  return start;
}

function encodingOf(bytes: Buffer): { encoding: string; by: string; skip: number } {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return { encoding: "utf-16le", by: "the file's mark", skip: 2 };
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return { encoding: "utf-16be", by: "the file's mark", skip: 2 };
  const mark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  if (mark) return { encoding: "utf-8", by: "the file's mark", skip: 3 };
  const zeros = utf16WithoutMark(bytes);
  return zeros ?? { encoding: "utf-8", by: "the rule", skip: 0 };
}

/** Of ASCII in UTF-16 every second byte is 0: no other text of market data begins so. */
function utf16WithoutMark(bytes: Buffer): { encoding: string; by: string; skip: number } | undefined {
  const start = bytes.subarray(0, 64);
  const isZeroAt = (odd: number) => start.every((byte, at) => (at % 2 === odd) === (byte === 0));
  if (start.length < 16) return undefined;
  const by = "the file, every second byte of which is 0";
  if (isZeroAt(1)) return { encoding: "utf-16le", by, skip: 0 };
  return isZeroAt(0) ? { encoding: "utf-16be", by, skip: 0 } : undefined;
}

/** A header in another encoding would be dropped like a damaged line, and the first row taken for it. */
function refuseOtherText(file: string, start: Buffer): void {
  const end = start.indexOf(10);
  if (end < 0 || isUtf8(start.subarray(0, end))) return;
  throw refuse(
    `${file} isn't UTF-8 in its first line`,
    "Say its encoding by --map, as in encoding: windows-1252, or convert it.",
  );
}

/** Old programs end lines with a carriage return alone: the whole file would be one line. */
function refuseOldLineEnds(file: string, start: Buffer | undefined, lines: readonly string[]): void {
  const first = lines[0] ?? start?.toString("latin1", 0, 64) ?? "";
  if (lines.length > 1 || !/\r./.test(first)) return;
  throw refuse(`${file} ends its lines with a carriage return alone`, "Convert it, as in `tr '\\r' '\\n' < FILE`.");
}

/** Spreadsheets export UTF-16; everything behind this sees UTF-8. */
async function* decode(
  first: Buffer,
  rest: AsyncIterator<Buffer>,
  encoding: string,
): AsyncGenerator<Buffer, void, undefined> {
  const decoder = encoding === "utf-8" ? undefined : new TextDecoder(encoding);
  const utf8 = (chunk: Buffer) => (decoder ? Buffer.from(decoder.decode(chunk, { stream: true })) : chunk);
  try {
    if (first.length > 0) yield utf8(first);
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield utf8(next.value);
    const last = decoder?.decode() ?? "";
    if (last !== "") yield Buffer.from(last);
  } finally {
    await rest.return?.();
  }
}

/** Lets a loop be left without closing the generator, whose remaining chunks are read later. */
function takeUnclosed(source: AsyncGenerator<Buffer, void, undefined>): AsyncIterable<Buffer> {
  return { [Symbol.asyncIterator]: () => ({ next: () => source.next() }) };
}

function refuseBinary(file: string, chunk: Buffer, before: number): void {
  if (before === 0) {
    const head = chunk.subarray(0, 8).toString("latin1");
    const known = BINARY_MAGIC.find(([magic]) => head.startsWith(magic));
    if (known) throw refuse(`${file} is ${known[1]}, not text`, "Export or unpack it as CSV or JSON lines first.");
  }
  const nul = chunk.indexOf(0);
  if (nul < 0) return;
  throw refuse(`${file} is not text: byte ${before + nul} is 0`, "Publish CSV or JSON lines, plain, .gz or .zip.");
}

const isJsonLine = (taken: readonly Buffer[]) =>
  /^\s*\{/.test(taken[0]!.subarray(0, 64).toString("latin1")) && taken.at(-1)!.includes(10);

function wholeLines(bytes: Buffer, ended: boolean): string[] {
  const splitter = new LineSplitter(SAMPLE_BYTES_MAX);
  const blocks = [splitter.split(bytes), ...(ended ? [splitter.end()] : [])];
  return blocks.flatMap((block) => block.texts.filter((text) => text !== null && text.trim() !== "")) as string[];
}
