import { copyBack, copyOver } from "./copy-back.ts";

/** LZ4 Frame Format, sections "Frame Descriptor" and "Data Blocks"; LZ4 Block Format. */
const MAGIC = 0x184d2204;
const PLAIN_BLOCK = 0x80000000;
const MATCH_BYTES_MIN = 4;

interface Block {
  readonly isPlain: boolean;
  readonly from: number;
  readonly to: number;
}

/** The blocks of a frame up to its end mark. Checksums aren't looked at: the batch has one of its own. */
function* blocksOf(data: Buffer): Generator<Block> {
  const flags = flagsOf(data);
  const hasSize = (flags & 0x08) !== 0;
  const hasDictionary = (flags & 0x01) !== 0;
  const checksumBytes = (flags & 0x10) !== 0 ? 4 : 0;
  for (let at = 7 + (hasSize ? 8 : 0) + (hasDictionary ? 4 : 0); at + 4 <= data.length; ) {
    const word = data.readUInt32LE(at);
    if (word === 0) return;
    const isPlain = word >= PLAIN_BLOCK;
    const from = at + 4;
    const to = from + (isPlain ? word - PLAIN_BLOCK : word);
    yield { isPlain, from, to };
    at = to + checksumBytes;
  }
  throw new Error("lz4: the frame is cut off");
}

function flagsOf(data: Buffer): number {
  if (data.length < 7 || data.readUInt32LE(0) !== MAGIC || data[4]! >> 6 !== 1) throw new Error("lz4: not a frame");
  return data[4]!;
}

/** What a frame may grow to, from its headers alone: the blocks it has, times the size that it says a block may have. */
export function lz4BytesAtMost(data: Buffer): number {
  const flags = flagsOf(data);
  if ((flags & 0x01) !== 0) throw new Error("lz4: it needs a dictionary");
  const blockBytesMax = 2 ** (8 + 2 * ((data[5]! >> 4) & 7));
  let bytes = 0;
  for (const { isPlain, from, to } of blocksOf(data)) bytes += isPlain ? to - from : blockBytesMax;
  return bytes;
}

/** @param bytesMax what it may grow to; more is thrown, as is what is no frame */
export function fromLz4Frame(data: Buffer, bytesMax: number): Buffer {
  let bytes = 0;
  for (const { isPlain, from, to } of blocksOf(data)) {
    if (to > data.length) throw new Error("lz4: a block is cut off");
    bytes += isPlain ? to - from : unpack(data, from, to);
    if (bytes > bytesMax) throw new Error("lz4: grows to too many bytes");
  }
  const out = Buffer.allocUnsafeSlow(bytes);
  let at = 0;
  for (const { isPlain, from, to } of blocksOf(data)) {
    if (isPlain) at += data.copy(out, at, from, to);
    else at = unpack(data, from, to, out, at);
  }
  return out;
}

/**
 * Goes through one block's sequences: literals, and a copy of what is before them.
 * @param out what it grows into from `start` on; without it the bytes are only counted
 * @returns where it ends
 */
function unpack(data: Buffer, begin: number, end: number, out?: Buffer, start = 0): number {
  let from = begin;
  let at = start;
  const more = (four: number): number => {
    if (four < 15) return four;
    let length = 15;
    for (let byte = 255; byte === 255; length += byte) {
      if (from >= end) throw new Error("lz4: a length is cut off");
      byte = data[from++]!;
    }
    return length;
  };
  for (;;) {
    if (from >= end) throw new Error("lz4: a block ends early");
    const token = data[from++]!;
    const literals = more(token >> 4);
    if (from + literals > end) throw new Error("lz4: literals are cut off");
    if (out) copyOver(out, at, data, from, from + literals);
    from += literals;
    at += literals;
    if (from === end) return at;
    if (from + 2 > end) throw new Error("lz4: a distance is cut off");
    const distance = data[from]! | (data[from + 1]! << 8);
    from += 2;
    const length = more(token & 15) + MATCH_BYTES_MIN;
    if (out) {
      if (distance === 0 || distance > at) throw new Error("lz4: a copy of what is before its frame");
      copyBack(out, at, distance, length);
    }
    at += length;
  }
}
