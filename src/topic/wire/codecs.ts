import { promisify } from "node:util";
import { gunzip, type ZlibOptions, type ZstdOptions, zstdDecompress } from "node:zlib";
import { OneAfterAnother } from "../../clock.ts";
import { fromLz4Frame, lz4BytesAtMost } from "./lz4-frame.ts";
import { snappyBlockBytes, unsnap } from "./snappy-block.ts";
import { zstdBytesAtMost } from "./zstd-frames.ts";

/** How a batch's records are decompressed. */
export interface Codec {
  /** What they say that they grow to, before memory is taken for it: only some can lie. @throws where nobody can read them */
  readonly grownBytes: (data: Buffer) => number;
  /** What can't be decompressed is thrown, never returned in part. */
  readonly decompress: (data: Buffer) => Promise<Buffer>;
}

/**
 * What one batch may grow to. Producers fill batches of a megabyte before they compress them, and a topic takes 8 MiB at most;
 * a batch that grows to more was made to fill the memory.
 */
export const DECOMPRESSED_BYTES_MAX = 64 * 1024 * 1024;

/** What grows to more is decompressed one at a time in this process, and comes alone: more than any one honest event. */
export const LARGE_BYTES = 8 * 1024 * 1024;

/** Whoever writes to several partitions or topics would have each of their readers take the whole bound at one time. */
const large = new OneAfterAnother();

type Unzip = (data: Buffer, options: ZlibOptions & ZstdOptions) => Promise<Buffer>;

/**
 * A codec of Node's. These give what they have made in pieces of `chunkSize`, and join more than one by a copy: so the whole
 * is asked for as one piece, and memory that nothing is written into costs none. Where the bytes are more than they say, they
 * are decompressed once more, into a piece of all that there may be.
 */
function ofNode(unzip: Unzip, grownBytes: (data: Buffer) => number, bytesMax: number): Codec {
  // A piece that is full to its end makes Node take another.
  const asOne = (data: Buffer, bytes: number) => unzip(data, { chunkSize: bytes + 1, maxOutputLength: bytes });
  const decompress = async (data: Buffer) => {
    const said = Math.min(Math.max(grownBytes(data), PIECE_BYTES_MIN), bytesMax);
    try {
      return await inTurn(said, () => asOne(data, said));
    } catch (error) {
      if (!(isTooLarge(error) && said < bytesMax)) throw error;
      return inTurn(bytesMax, () => asOne(data, bytesMax));
    }
  };
  return { grownBytes, decompress };
}

/** Bytes that say they grow to nothing are believed so far. */
const PIECE_BYTES_MIN = 16 * 1024;

const inTurn = (bytes: number, work: () => Promise<Buffer>): Promise<Buffer> =>
  bytes > LARGE_BYTES ? large.next(work) : work();

const isTooLarge = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";

/** @param bytesMax what a batch may decompress to; more is thrown */
export const gzipWithin = (bytesMax: number): Codec => ofNode(promisify(gunzip), gzipBytes, bytesMax);

/** A gzip member ends with its length (RFC 1952); of several, which no producer writes, the last one's is read. */
const gzipBytes = (data: Buffer): number => (data.length < 4 ? 0 : data.readUInt32LE(data.length - 4));

/** @param bytesMax what a batch may decompress to; more is thrown */
export const zstdWithin = (bytesMax: number): Codec => ofNode(promisify(zstdDecompress), zstdBytesAtMost, bytesMax);

/**
 * Kafka's lz4 is the frame format. It and Snappy are decompressed here, and not by a package: those that there are take memory
 * of an allocator of their own, of which a process that met a few large batches kept half a gigabyte.
 */
async function fromLz4(data: Buffer): Promise<Buffer> {
  return inTurn(lz4BytesAtMost(data), async () => fromLz4Frame(data, DECOMPRESSED_BYTES_MAX));
}

/**
 * Snappy travels in two ways: one raw block (librdkafka), or xerial's frames (Java): a header of 8 magic bytes and two
 * int32 versions, then blocks, each after its length as a big-endian int32.
 */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]);
const XERIAL_HEADER_BYTES = XERIAL_MAGIC.length + 8;

/** The raw blocks of either way, one at a time: a batch may have millions that hold nothing. */
function* snappyBlocks(data: Buffer): Generator<Buffer> {
  if (!data.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) {
    yield data;
    return;
  }
  for (let at = XERIAL_HEADER_BYTES; at < data.length; ) {
    if (at + 4 > data.length) throw new Error("snappy: the last block's length is cut off");
    const end = at + 4 + data.readUInt32BE(at);
    if (end > data.length) throw new Error("snappy: a block is longer than the data");
    yield data.subarray(at + 4, end);
    at = end;
  }
}

function snappyBytes(data: Buffer): number {
  let bytes = 0;
  for (const block of snappyBlocks(data)) bytes += snappyBlockBytes(block);
  return bytes;
}

async function fromSnappy(data: Buffer): Promise<Buffer> {
  const bytes = snappyBytes(data);
  if (bytes > DECOMPRESSED_BYTES_MAX) throw new Error("snappy: claims too many bytes");
  return inTurn(bytes, async () => {
    const out = Buffer.allocUnsafeSlow(bytes);
    let at = 0;
    for (const block of snappyBlocks(data)) at = unsnap(block, out, at);
    return out;
  });
}

/** Every codec that a batch may name, by its number (Kafka's documentation, "Record Batch"). */
export const CODECS: ReadonlyMap<number, Codec> = new Map([
  [1, gzipWithin(DECOMPRESSED_BYTES_MAX)],
  [2, { grownBytes: snappyBytes, decompress: fromSnappy }],
  [3, { grownBytes: lz4BytesAtMost, decompress: fromLz4 }],
  [4, zstdWithin(DECOMPRESSED_BYTES_MAX)],
]);
