import { isAscii, isUtf8 } from "node:buffer";
import type { Rejection } from "./feed.ts";

const LINE_FEED = 10;

/** Consecutive lines, without their ends. A line that can't be text is null, and its reason is in `rejections`. */
export interface LineBlock {
  /** The number of `texts[0]`, counted from 1. */
  readonly firstLine: number;
  readonly texts: readonly (string | null)[];
  readonly rejections: Rejection[];
}

/**
 * Splits UTF-8 bytes into lines, a block per chunk. Holds one chunk and at most `lineBytesMax` of an unfinished line: a
 * longer line is rejected when it ends, and none of it is kept meanwhile.
 */
export class LineSplitter {
  readonly #lineBytesMax: number;
  #next = 1;
  #rest: Buffer = Buffer.alloc(0);
  /** Bytes of the current line that were dropped because it is too long already. */
  #dropped = 0;

  constructor(lineBytesMax: number) {
    this.#lineBytesMax = lineBytesMax;
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
    const block = this.#dropped > 0 ? this.#endDropped(whole) : this.#block(this.#joined(whole));
    this.#rest = Buffer.alloc(0);
    this.#keep(rest);
    return block;
  }

  /** The last line, when the file doesn't end with a line feed. */
  end(): LineBlock {
    if (this.#dropped > 0) return this.#endDropped(Buffer.alloc(0));
    if (this.#rest.length === 0) return { firstLine: this.#next, texts: [], rejections: [] };
    return this.#block(this.#rest);
  }

  #joined(bytes: Buffer): Buffer {
    return this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
  }

  #keep(bytes: Buffer): void {
    if (this.#dropped > 0 || this.#rest.length + bytes.length > this.#lineBytesMax) {
      this.#dropped += this.#rest.length + bytes.length;
      this.#rest = Buffer.alloc(0);
    } else {
      this.#rest = this.#joined(bytes);
    }
  }

  #endDropped(bytes: Buffer): LineBlock {
    const end = bytes.indexOf(LINE_FEED);
    const line = this.#next++;
    this.#dropped = 0;
    const after = end < 0 ? undefined : this.#block(bytes.subarray(end + 1));
    return {
      firstLine: line,
      texts: [null, ...(after?.texts ?? [])],
      rejections: [{ line, reason: this.#tooLong() }, ...(after?.rejections ?? [])],
    };
  }

  #tooLong(): string {
    return `the line is longer than ${this.#lineBytesMax} bytes`;
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
      texts.push(isUtf8(line) ? line.toString("utf8") : null);
      if (texts.at(-1) === null) {
        rejections.push({ line: firstLine + texts.length - 1, reason: "the line isn't valid UTF-8" });
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
        rejections.push({ line: firstLine + i, reason: this.#tooLong() });
      } else if (text.endsWith("\r")) {
        texts[i] = text.slice(0, -1);
      }
    }
    rejections.sort((a, b) => a.line - b.line);
    return { firstLine, texts, rejections };
  }
}
