import { promisify } from "node:util";
import { gunzip, zstdDecompress } from "node:zlib";
import { decompressFrame } from "lz4-napi";
import snappy from "snappy";

/** Decompresses a batch's records. What can't be decompressed is thrown, never returned in part. */
type Decompress = (data: Buffer) => Promise<Buffer>;

/**
 * What one batch may grow to. Producers fill batches of a megabyte before they compress them, and a topic takes 8 MiB at most;
 * a batch that grows to more was made to fill the memory.
 */
export const DECOMPRESSED_BYTES_MAX = 64 * 1024 * 1024;

const gunzipBytes: (data: Buffer, options: object) => Promise<Buffer> = promisify(gunzip);
const unzstdBytes: (data: Buffer, options: object) => Promise<Buffer> = promisify(zstdDecompress);

/** @param bytesMax what a batch may decompress to; more is thrown */
export const gzipWithin =
  (bytesMax: number): Decompress =>
  (data) =>
    gunzipBytes(data, { maxOutputLength: bytesMax });

/** @param bytesMax what a batch may decompress to; more is thrown */
export const zstdWithin =
  (bytesMax: number): Decompress =>
  (data) =>
    unzstdBytes(data, { maxOutputLength: bytesMax });

/** Kafka's lz4 is the frame format, which the plain `uncompress` of the package is not. */
async function fromLz4(data: Buffer): Promise<Buffer> {
  if (lz4BytesAtMost(data) > DECOMPRESSED_BYTES_MAX) throw new Error("lz4: may grow to too many bytes");
  return decompressFrame(data);
}

const LZ4_MAGIC = 0x184d2204;
const LZ4_UNCOMPRESSED_BLOCK = 0x80000000;

/**
 * What a frame may grow to, from its headers alone: the blocks it has, times the size that it says a block may have (LZ4
 * Frame Format, sections "Frame Descriptor" and "Data Blocks"). The package allocates as it goes, without a limit.
 */
function lz4BytesAtMost(data: Buffer): number {
  if (data.length < 7 || data.readUInt32LE(0) !== LZ4_MAGIC) throw new Error("lz4: not a frame");
  const flags = data[4]!;
  const blockBytesMax = 2 ** (8 + 2 * ((data[5]! >> 4) & 7));
  const hasSize = (flags & 0x08) !== 0;
  const hasDictionary = (flags & 0x01) !== 0;
  const checksumBytes = (flags & 0x10) !== 0 ? 4 : 0;
  let bytes = 0;
  for (let at = 7 + (hasSize ? 8 : 0) + (hasDictionary ? 4 : 0); at + 4 <= data.length; ) {
    const word = data.readUInt32LE(at);
    if (word === 0) break;
    const isPlain = word >= LZ4_UNCOMPRESSED_BLOCK;
    const length = isPlain ? word - LZ4_UNCOMPRESSED_BLOCK : word;
    bytes += isPlain ? length : blockBytesMax;
    at += 4 + length + checksumBytes;
  }
  return bytes;
}

/**
 * Snappy travels in two ways: one raw block (librdkafka), or xerial's frames (Java): a header of 8 magic bytes and two
 * int32 versions, then blocks, each after its length as a big-endian int32.
 */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]);
const XERIAL_HEADER_BYTES = XERIAL_MAGIC.length + 8;

async function fromSnappy(data: Buffer): Promise<Buffer> {
  if (!data.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return uncompressBlock(data, 0);
  const parts: Buffer[] = [];
  let bytes = 0;
  let at = XERIAL_HEADER_BYTES;
  while (at < data.length) {
    if (at + 4 > data.length) throw new Error("snappy: the last block's length is cut off");
    const end = at + 4 + data.readUInt32BE(at);
    if (end > data.length) throw new Error("snappy: a block is longer than the data");
    const part = await uncompressBlock(data.subarray(at + 4, end), bytes);
    parts.push(part);
    bytes += part.length;
    at = end;
  }
  return Buffer.concat(parts, bytes);
}

async function uncompressBlock(block: Buffer, bytesBefore: number): Promise<Buffer> {
  if (bytesBefore + claimedLength(block) > DECOMPRESSED_BYTES_MAX) throw new Error("snappy: claims too many bytes");
  return (await snappy.uncompress(block, { asBuffer: true })) as Buffer;
}

/** A raw block begins with its decompressed length as a varint, which the package would allocate unseen. */
function claimedLength(block: Buffer): number {
  let length = 0;
  for (let i = 0; i < 5 && i < block.length; i++) {
    length += (block[i]! & 0x7f) * 2 ** (7 * i);
    if (block[i]! < 0x80) return length;
  }
  throw new Error("snappy: no length");
}

/** Every codec that a batch may name, by its number (Kafka's documentation, "Record Batch"). */
export const DECOMPRESS: ReadonlyMap<number, Decompress> = new Map([
  [1, gzipWithin(DECOMPRESSED_BYTES_MAX)],
  [2, fromSnappy],
  [3, fromLz4],
  [4, zstdWithin(DECOMPRESSED_BYTES_MAX)],
]);
