import snappy from "snappy";
import { describe, expect, it } from "vitest";
import { DECOMPRESS, gzipWithin, zstdWithin } from "../../../src/topic/wire/codecs.ts";
import { COMPRESS } from "../../support/services/codecs.ts";

const codecOf = (number: number) => ({ compress: COMPRESS.get(number)!, decompress: DECOMPRESS.get(number)! });
const gzipCodec = codecOf(1);
const zstdCodec = codecOf(4);
const CODECS: [string, ReturnType<typeof codecOf>][] = [
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

describe.each(CODECS)("%s", (_, codec) => {
  it.each([
    ["nothing", Buffer.alloc(0)] as [string, Buffer],
    ["one byte", Buffer.from([7])],
    ["half a megabyte of text", text],
    ["bytes that don't shrink", noise(300_000)],
  ])("gives back %s", async (_name, data) => {
    const packed = await codec.compress(data);
    expect((await codec.decompress(packed)).equals(data)).toBe(true);
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
    await expect(within(99_999)(packed)).rejects.toThrow();
    expect(await within(100_000)(packed)).toHaveLength(100_000);
  }
});

it("knows every codec that a batch may name, and no other number", () => {
  expect([...DECOMPRESS.keys()]).toEqual([1, 2, 3, 4]);
});
