/** RFC 8878, "Zstandard Frames" and "Blocks". */
const MAGIC = 0xfd2fb528;
/** Frames that hold nothing have one of 16 numbers. */
const SKIPPED = 0x184d2a50;
const BLOCK_BYTES_MAX = 128 * 1024;
const RLE_BLOCK = 1;
const COMPRESSED_BLOCK = 2;

/**
 * What zstd frames may grow to, from their headers alone: a frame's own word where it has one, else its blocks, of which a
 * compressed one grows to 128 KiB at most. Of bytes that are no frames, what is before these.
 */
export function zstdBytesAtMost(data: Buffer): number {
  let bytes = 0;
  for (let at = 0; at + 8 <= data.length; ) {
    const magic = data.readUInt32LE(at);
    if ((magic & 0xfffffff0) >>> 0 === SKIPPED) at += 8 + data.readUInt32LE(at + 4);
    else if (magic === MAGIC) {
      const frame = frameAt(data, at + 4);
      bytes += frame.bytes;
      at = frame.end;
    } else break;
  }
  return bytes;
}

/** How long the fields are of which a frame's header descriptor has the numbers. */
const DICTIONARY_BYTES = [0, 1, 2, 4] as const;
const CONTENT_BYTES = [0, 2, 4, 8] as const;

/** @param start where its header is, behind the magic number */
function frameAt(data: Buffer, start: number): { readonly bytes: number; readonly end: number } {
  const descriptor = data[start]!;
  const isSingle = (descriptor & 0x20) !== 0;
  const checksumBytes = (descriptor & 0x04) !== 0 ? 4 : 0;
  const sizeAt = start + 1 + (isSingle ? 0 : 1) + DICTIONARY_BYTES[(descriptor & 3) as 0 | 1 | 2 | 3];
  const number = (descriptor >> 6) as 0 | 1 | 2 | 3;
  const sizeBytes = number === 0 && isSingle ? 1 : CONTENT_BYTES[number];
  let bytes = 0;
  let at = sizeAt + sizeBytes;
  for (let isLast = false; !isLast && at + 3 <= data.length; ) {
    const header = data.readUIntLE(at, 3);
    const type = (header >> 1) & 3;
    const size = header >> 3;
    isLast = (header & 1) !== 0;
    bytes += type === COMPRESSED_BLOCK ? BLOCK_BYTES_MAX : size;
    at += 3 + (type === RLE_BLOCK ? 1 : size);
  }
  const said = sizeBytes > 0 && sizeAt + sizeBytes <= data.length ? contentSize(data, sizeAt, sizeBytes) : bytes;
  return { bytes: Math.min(bytes, said), end: at + checksumBytes };
}

function contentSize(data: Buffer, at: number, bytes: number): number {
  if (bytes === 8) return Number(data.readBigUInt64LE(at));
  // Of two bytes it counts from 256, because one byte has what is less.
  return data.readUIntLE(at, bytes) + (bytes === 2 ? 256 : 0);
}
