import { promisify } from "node:util";
import { gzip, zstdCompress } from "node:zlib";
import { compressFrame } from "lz4-napi";
import snappy from "snappy";

type Compress = (data: Buffer) => Promise<Buffer>;

/** Snappy as Java writes it: xerial's header of magic bytes and two int32 versions, then blocks behind their length. */
async function xerial(data: Buffer): Promise<Buffer> {
  const block = await snappy.compress(data);
  const length = Buffer.alloc(4);
  length.writeInt32BE(block.length);
  const header = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1]);
  return Buffer.concat([header, length, block]);
}

/** How other clients compress a batch, by Kafka's number of the codec. */
export const COMPRESS: ReadonlyMap<number, Compress> = new Map<number, Compress>([
  [1, promisify(gzip)],
  [2, xerial],
  [3, compressFrame],
  [4, promisify(zstdCompress)],
]);
