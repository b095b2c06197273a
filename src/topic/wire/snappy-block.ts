import { copyBack, copyOver } from "./copy-back.ts";

const LONG_LITERAL = 60;
const [LITERAL, NEAR_COPY, COPY] = [0, 1, 2];

/** What a raw block says that it grows to: it begins with that, as a varint. */
export function snappyBlockBytes(block: Buffer): number {
  let length = 0;
  for (let i = 0; i < 5 && i < block.length; i++) {
    length += (block[i]! & 0x7f) * 2 ** (7 * i);
    if (block[i]! < 0x80) return length;
  }
  throw new Error("snappy: no length");
}

/**
 * Decompresses a raw block (Snappy's format description) into `out` from `start` on. What is no such block is thrown.
 * @returns where it ends, as it says
 */
export function unsnap(block: Buffer, out: Buffer, start: number): number {
  const end = start + snappyBlockBytes(block);
  let from = 0;
  while (block[from]! >= 0x80) from++;
  from++;
  let at = start;
  while (from < block.length) {
    const tag = block[from++]!;
    const kind = tag & 3;
    let length = (tag >> 2) + 1;
    if (kind === LITERAL) {
      const lengthBytes = length - LONG_LITERAL;
      if (lengthBytes > 0) {
        length = block.readUIntLE(from, lengthBytes) + 1;
        from += lengthBytes;
      }
      if (from + length > block.length || at + length > end) throw new Error("snappy: a literal is too long");
      copyOver(out, at, block, from, from + length);
      from += length;
    } else {
      let distance: number;
      if (kind === NEAR_COPY) {
        length = ((tag >> 2) & 7) + 4;
        distance = ((tag >> 5) << 8) | block.readUInt8(from);
        from += 1;
      } else {
        const distanceBytes = kind === COPY ? 2 : 4;
        distance = block.readUIntLE(from, distanceBytes);
        from += distanceBytes;
      }
      if (distance === 0 || distance > at - start) throw new Error("snappy: a copy of what is before its block");
      if (at + length > end) throw new Error("snappy: a copy is too long");
      copyBack(out, at, distance, length);
    }
    at += length;
  }
  if (at !== end) throw new Error(`snappy: ${at - start} bytes, where its block claims ${end - start}`);
  return end;
}
