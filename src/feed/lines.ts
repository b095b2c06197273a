import { isAscii, isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { TradetapeError } from "../errors.ts";
import type { Place, Rejection } from "./feed.ts";

const LINE_FEED = 10;
/** What is told of a line that is too long. */
const HEAD = 1000;

/** Consecutive lines, without their ends. A line that can't be text is null, and its reason is in `rejections`. */
export interface LineBlock {
  /** The number of `texts[0]`, counted from 1. */
  readonly firstLine: number;
  readonly texts: readonly (string | null)[];
  readonly rejections: Rejection[];
}

/**
 * Splits UTF-8 bytes into lines, a block per chunk. Holds one chunk and at most `lineBytesMax` of an unfinished line: a
 * longer line is rejected when it ends, and only its beginning is kept meanwhile.
 */
export class LineSplitter {
  readonly #lineBytesMax: number;
  #next = 1;
  #rest: Buffer = Buffer.alloc(0);
  /** The beginning of the current line, the rest of which is dropped, because it is too long already. */
  #head: string | undefined;

  constructor(lineBytesMax: number) {
    this.#lineBytesMax = lineBytesMax;
  }

  /** How many lines have ended. */
  get lines(): number {
    return this.#next - 1;
  }

  /** The lines that end in this chunk. */
  split(chunk: Buffer): LineBlock {
    const lastEnd = chunk.lastIndexOf(LINE_FEED);
    if (lastEnd < 0) {
      this.#keep(chunk);
      return { firstLine: this.#next, texts: [], rejections: [] };
    }
    const whole = chunk.subarray(0, lastEnd);
    const rest = chunk.subarray(lastEnd + 1);
    const block = this.#head !== undefined ? this.#endDropped(whole, this.#head) : this.#block(this.#joined(whole));
    this.#rest = Buffer.alloc(0);
    this.#keep(rest);
    return block;
  }

  /** The last line, when the file doesn't end with a line feed. */
  end(): LineBlock {
    if (this.#head !== undefined) return this.#endDropped(Buffer.alloc(0), this.#head);
    if (this.#rest.length === 0) return { firstLine: this.#next, texts: [], rejections: [] };
    return this.#block(this.#rest);
  }

  #joined(bytes: Buffer): Buffer {
    return this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
  }

  #keep(bytes: Buffer): void {
    if (this.#head !== undefined) return;
    if (this.#rest.length + bytes.length > this.#lineBytesMax) {
      this.#head = this.#joined(bytes).toString("utf8", 0, HEAD);
      this.#rest = Buffer.alloc(0);
    } else {
      this.#rest = this.#joined(bytes);
    }
  }

  #endDropped(bytes: Buffer, head: string): LineBlock {
    const end = bytes.indexOf(LINE_FEED);
    const line = this.#next++;
    this.#head = undefined;
    const after = end < 0 ? undefined : this.#block(bytes.subarray(end + 1));
    return {
      firstLine: line,
      texts: [null, ...(after?.texts ?? [])],
      rejections: [this.#tooLong(line, head), ...(after?.rejections ?? [])],
    };
  }

  #tooLong(line: number, head: string): Rejection {
    return { line, reason: `the line is longer than ${this.#lineBytesMax} bytes`, text: head, damage: "cut" };
  }

  #block(bytes: Buffer): LineBlock {
    const firstLine = this.#next;
    // Nearly all market data is ASCII, which decodes several times faster as latin1.
    if (isAscii(bytes)) return this.#accept(bytes.toString("latin1").split("\n"), firstLine);
    if (isUtf8(bytes)) return this.#accept(bytes.toString("utf8").split("\n"), firstLine);
    const texts: (string | null)[] = [];
    const rejections: Rejection[] = [];
    for (let start = 0; start <= bytes.length; ) {
      const found = bytes.indexOf(LINE_FEED, start);
      const end = found < 0 ? bytes.length : found;
      const line = bytes.subarray(start, end);
      const isText = isUtf8(line);
      texts.push(isText ? line.toString("utf8") : null);
      if (!isText) {
        const at = firstLine + texts.length - 1;
        const text = line.toString("utf8", 0, this.#lineBytesMax);
        rejections.push({ line: at, reason: "the line isn't valid UTF-8", text, damage: "not UTF-8" });
      }
      start = end + 1;
    }
    return this.#accept(texts, firstLine, rejections);
  }

  /** A chunk may hold whole lines beyond the limit: they are rejected like those that come in pieces. */
  #accept(texts: (string | null)[], firstLine: number, rejections: Rejection[] = []): LineBlock {
    this.#next = firstLine + texts.length;
    for (let i = 0; i < texts.length; i++) {
      const text = texts[i] ?? null;
      if (text === null) continue;
      if (text.length > this.#lineBytesMax) {
        texts[i] = null;
        rejections.push(this.#tooLong(firstLine + i, text.slice(0, HEAD)));
      } else if (text.endsWith("\r")) {
        texts[i] = text.slice(0, -1);
      }
    }
    rejections.sort((a, b) => a.line - b.line);
    return { firstLine, texts, rejections };
  }
}

/** Before a file's first line. */
export const START: Place = { lines: 0, bytes: 0, sha256: createHash("sha256").digest("hex") };

/** Follows a file's places, and finds whether it is what it was up to the place from which it is read on. */
export class PlaceFinder {
  readonly #file: string;
  readonly #from: Place;
  readonly #hash = createHash("sha256");
  #bytes = 0;
  #end = START;

  constructor(file: string, from: Place) {
    this.#file = file;
    this.#from = from;
  }

  /** The chunk, in two where the place lies within it. */
  cut(chunk: Buffer): readonly Buffer[] {
    const at = this.#from.bytes - this.#bytes;
    return at > 0 && at < chunk.length ? [chunk.subarray(0, at), chunk.subarray(at)] : [chunk];
  }

  /**
   * Goes on behind these bytes. @param lines how many have ended with them
   * @returns where the last whole line ended; undefined up to the place from which the file is read on
   * @throws TradetapeError input_invalid when the file is another one up to that place
   */
  pass(bytes: Buffer, lines: number): Place | undefined {
    const whole = bytes.lastIndexOf(LINE_FEED) + 1;
    this.#hash.update(bytes.subarray(0, whole));
    if (whole > 0) this.#end = { lines, bytes: this.#bytes + whole, sha256: this.#hash.copy().digest("hex") };
    this.#hash.update(bytes.subarray(whole));
    this.#bytes += bytes.length;
    if (this.#bytes > this.#from.bytes) return this.#end;
    if (this.#bytes === this.#from.bytes && this.#end.sha256 !== this.#from.sha256) throw this.#changed("other text");
    return undefined;
  }

  /** To be called at the file's end. @throws TradetapeError input_invalid when it comes before the place */
  requirePassed(): void {
    if (this.#bytes < this.#from.bytes) throw this.#changed("an earlier end");
  }

  #changed(what: string): TradetapeError {
    const { bytes, lines } = this.#from;
    return new TradetapeError(
      "input_invalid",
      `${this.#file} has ${what} than when its first ${lines} lines (${bytes} bytes) were published`,
      { next: "Name another state file to publish all of it: what has landed under its ids isn't doubled." },
    );
  }
}
