import { constants, zstdCompressSync } from "node:zlib";
import { compressFrame } from "lz4-napi";
import snappy from "snappy";
import { describe, expect, it, vi } from "vitest";
import { CODECS, DECOMPRESSED_BYTES_MAX, gzipWithin, zstdWithin } from "../../../src/topic/wire/codecs.ts";
import { zstdBytesAtMost } from "../../../src/topic/wire/zstd-frames.ts";
import fc from "../../support/random/fast-check.ts";
import { COMPRESS } from "../../support/services/codecs.ts";

const codecOf = (number: number) => ({ compress: COMPRESS.get(number)!, ...CODECS.get(number)! });
const gzipCodec = codecOf(1);
const zstdCodec = codecOf(4);
const ALL: [string, ReturnType<typeof codecOf>][] = [
  ["gzip", gzipCodec],
  ["snappy", codecOf(2)],
  ["lz4", codecOf(3)],
  ["zstd", zstdCodec],
];
const fromSnappy = codecOf(2).decompress;
const text = Buffer.from("184.2500,100,P,80000000\n".repeat(20_000));

/** Bytes that don't repeat, made without chance. */
function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[i] = state >>> 16;
  }
  return bytes;
}

describe.each(ALL)("%s", (_, codec) => {
  it.each([
    ["nothing", Buffer.alloc(0)] as [string, Buffer],
    ["one byte", Buffer.from([7])],
    ["half a megabyte of text", text],
    ["bytes that don't shrink", noise(300_000)],
  ])("gives back %s", async (_name, data) => {
    const packed = await codec.compress(data);
    expect((await codec.decompress(packed)).equals(data)).toBe(true);
  });

  it("knows from a batch's bytes what it grows to at most, and makes that in one piece", async () => {
    for (const data of [text, Buffer.alloc(9_000_000), noise(300_000)]) {
      const packed = await codec.compress(data);
      const said = codec.grownBytes(packed);
      expect(said).toBeGreaterThanOrEqual(data.length);
      const joining = vi.spyOn(Buffer, "concat");
      const { buffer, length } = await codec.decompress(packed);
      expect(joining).not.toHaveBeenCalled();
      joining.mockRestore();
      expect(length).toBe(data.length);
      // Of little, Node's pool has room for both.
      if (said > 100_000) expect(buffer.byteLength).toBeLessThanOrEqual(said + 1);
    }
  });

  it("decompresses what grows large in the order in which it was asked, one at a time", async () => {
    const packed = await Promise.all([60, 9, 9].map((mib) => codec.compress(Buffer.alloc(mib * 2 ** 20))));
    const ended: number[] = [];
    await Promise.all(packed.map(async (one, n) => codec.decompress(one).then(() => ended.push(n))));
    expect(ended).toEqual([0, 1, 2]);
  });

  it("makes repeating text smaller", async () => {
    expect((await codec.compress(text)).length).toBeLessThan(text.length / 5);
  });

  it("throws at bytes that are cut off, and at bytes that are none of its own", async () => {
    const packed = await codec.compress(text);
    await expect(codec.decompress(packed.subarray(0, packed.length - 9))).rejects.toThrow();
    await expect(codec.decompress(Buffer.from("this was never compressed by anything"))).rejects.toThrow();
  });
});

/** As Java writes it: xerial's header, then one block per 32 KiB. */
async function xerial(data: Buffer): Promise<Buffer> {
  const parts: Buffer[] = [Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])];
  for (let at = 0; at < data.length; at += 32_768) {
    const block = await snappy.compress(data.subarray(at, at + 32_768));
    const length = Buffer.alloc(4);
    length.writeInt32BE(block.length);
    parts.push(length, block);
  }
  return Buffer.concat(parts);
}

describe("snappy's two framings", () => {
  it("reads one raw block, as librdkafka sends it", async () => {
    expect((await fromSnappy(await snappy.compress(text))).equals(text)).toBe(true);
  });

  it("reads xerial's many blocks, as Java sends them", async () => {
    expect((await fromSnappy(await xerial(text))).equals(text)).toBe(true);
  });

  it("refuses a xerial stream whose last block is cut off, or whose length is", async () => {
    const whole = await xerial(text);
    await expect(fromSnappy(whole.subarray(0, -1))).rejects.toThrow("longer than the data");
    await expect(fromSnappy(Buffer.concat([whole, Buffer.from([0, 0])]))).rejects.toThrow("cut off");
  });

  it("refuses a block that claims gigabytes before it makes room for them", async () => {
    const claim = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 1, 2, 3]);
    await expect(fromSnappy(claim)).rejects.toThrow("claims too many bytes");
  });
});

it("stops decompressing gzip and zstd that swell beyond what they may", async () => {
  const zeros = Buffer.alloc(100_000);
  for (const [codec, within] of [[gzipCodec, gzipWithin] as const, [zstdCodec, zstdWithin] as const]) {
    const packed = await codec.compress(zeros);
    await expect(within(99_999).decompress(packed)).rejects.toThrow();
    expect(await within(100_000).decompress(packed)).toHaveLength(100_000);
  }
});

describe("bytes that grow to more than they say", () => {
  it("are decompressed all the same: of gzip's members the last one's length is read", async () => {
    const members = Buffer.concat([await gzipCodec.compress(text), await gzipCodec.compress(Buffer.from("end"))]);
    expect(gzipCodec.grownBytes(members)).toBe(3);
    const whole = await gzipCodec.decompress(members);
    expect(whole.equals(Buffer.concat([text, Buffer.from("end")]))).toBe(true);
    await expect(gzipWithin(text.length).decompress(members)).rejects.toThrow();
  });

  it("are none of zstd's, whose blocks say it where the frame doesn't", async () => {
    for (const data of [Buffer.alloc(0), text, Buffer.alloc(9_000_000), noise(300_000)]) {
      const frame = zstdStreamed(data);
      const skipped = Buffer.from([0x53, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9]);
      for (const [packed, length] of [
        [frame, data.length],
        [Buffer.concat([frame, frame]), 2 * data.length],
        [Buffer.concat([skipped, frame]), data.length],
      ] as const) {
        expect(zstdBytesAtMost(packed)).toBeGreaterThanOrEqual(length);
        expect(zstdBytesAtMost(packed)).toBeLessThan(1.1 * length + 300_000);
      }
      expect((await zstdCodec.decompress(frame)).equals(data)).toBe(true);
    }
  });

  it("are none at all where they are cut off or nobody's", () => {
    const packed = zstdStreamed(text);
    for (let cut = 0; cut < packed.length; cut += 7)
      expect(zstdBytesAtMost(packed.subarray(0, cut))).toBeLessThan(10 ** 6);
    expect(zstdBytesAtMost(noise(1000))).toBe(0);
  });
});

/** Without the content's size in the frame's header, as who compresses a stream doesn't know it. */
function zstdStreamed(data: Buffer): Buffer {
  const packed = zstdCompressSync(data, { params: { [constants.ZSTD_c_contentSizeFlag]: 0 } });
  expect(packed[4]! >> 6).toBe(0);
  return packed;
}

describe("our own decompression of lz4 and snappy", () => {
  const part = fc.oneof(
    fc.uint8Array({ maxLength: 70 }).map((bytes) => Buffer.from(bytes)),
    fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.nat(5000)).map(([a, n]) => Buffer.alloc(n, a)),
  );
  const data = fc.array(part, { maxLength: 12 }).map((parts) => Buffer.concat(parts));
  const PACK = { lz4: compressFrame, snappy: (bytes: Buffer) => snappy.compress(bytes), xerial } as const;
  const UNPACK = { lz4: codecOf(3), snappy: codecOf(2), xerial: codecOf(2) } as const;

  it.each(["lz4", "snappy", "xerial"] as const)("gives back whatever %s packed", async (name) => {
    await fc.assert(
      fc.asyncProperty(data, async (bytes) => {
        expect((await UNPACK[name].decompress(await PACK[name](bytes))).equals(bytes)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it("throws, or gives bytes within the bound, whatever a byte of them is", async () => {
    const within = async (name: keyof typeof PACK, packed: Buffer) => {
      try {
        return (await UNPACK[name].decompress(packed)).length <= DECOMPRESSED_BYTES_MAX;
      } catch (error) {
        return /^(lz4|snappy): |out of range|outside buffer bounds/.test((error as Error).message) || error;
      }
    };
    const name = fc.constantFrom("lz4", "snappy", "xerial");
    await fc.assert(
      fc.asyncProperty(data, name, fc.nat(), fc.nat(255), async (bytes, codec, at, byte) => {
        const packed = Buffer.from(await PACK[codec](bytes));
        packed[at % packed.length] = byte;
        expect(await within(codec, packed)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ["a copy of what is before its block", [4, 0x01, 1]],
    ["a literal is too long", [1, 0x04, 1, 2]],
    ["a copy is too long", [3, 0x00, 7, 0x01, 1]],
    ["1 bytes, where its block claims 2", [2, 0x00, 7]],
  ])("says of a snappy block: %s", async (says, bytes) => {
    await expect(fromSnappy(Buffer.from(bytes))).rejects.toThrow(says);
  });

  it.each([
    ["a copy of what is before its frame", [0x00, 1, 0, 0x10, 7]],
    ["a distance is cut off", [0x00, 1]],
    ["literals are cut off", [0x50, 1]],
    ["a length is cut off", [0xf0, 255]],
    ["a block ends early", [0x00, 1, 0]],
  ])("says of an lz4 block: %s", async (says, bytes) => {
    const header = [4, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82, bytes.length, 0, 0, 0];
    const frame = Buffer.from([...header, ...bytes, 0, 0, 0, 0]);
    await expect(codecOf(3).decompress(frame)).rejects.toThrow(says);
  });
});

it("knows every codec that a batch may name, and no other number", () => {
  expect([...CODECS.keys()]).toEqual([1, 2, 3, 4]);
});
