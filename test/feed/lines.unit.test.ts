import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Rejection } from "../../src/feed/feed.ts";
import { LineSplitter } from "../../src/feed/lines.ts";

function split(chunks: readonly Buffer[], lineBytesMax: number) {
  const splitter = new LineSplitter(lineBytesMax);
  const texts: (string | null)[] = [];
  const rejections: Rejection[] = [];
  for (const block of [...chunks.map((chunk) => splitter.split(chunk)), splitter.end()]) {
    if (block.texts.length > 0) expect(block.firstLine).toBe(texts.length + 1);
    texts.push(...block.texts);
    rejections.push(...block.rejections);
  }
  return { texts, rejections };
}

const cutAt = (bytes: Buffer, cuts: readonly number[]) => {
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end));
};

describe("LineSplitter", () => {
  it("gives the same lines wherever the chunks end, also inside a character", () => {
    const line = fc.string({ unit: "grapheme", maxLength: 12 }).filter((s) => !/[\r\n]/.test(s));
    fc.assert(
      fc.property(fc.array(line), fc.array(fc.nat(500)), (lines, cuts) => {
        const bytes = Buffer.from(lines.map((l) => `${l}\n`).join(""));
        expect(split(cutAt(bytes, cuts), 1000)).toEqual({ texts: lines, rejections: [] });
      }),
    );
  });
  it("rejects exactly the lines beyond the limit, wherever the chunks end", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(30)), fc.array(fc.nat(300)), (lengths, cuts) => {
        const lines = lengths.map((length) => "x".repeat(length));
        const bytes = Buffer.from(lines.map((l) => `${l}\n`).join(""));
        const { texts, rejections } = split(cutAt(bytes, cuts), 20);
        expect(texts).toEqual(lines.map((l) => (l.length > 20 ? null : l)));
        expect(rejections.map((r) => r.line)).toEqual(lines.flatMap((l, i) => (l.length > 20 ? [i + 1] : [])));
      }),
    );
  });
  it("takes a last line without a line feed, and both kinds of line ends", () => {
    expect(split([Buffer.from("a\r\nb\n\nc")], 10).texts).toEqual(["a", "b", "", "c"]);
    expect(split([Buffer.from("a\n")], 10).texts).toEqual(["a"]);
    expect(split([Buffer.from("")], 10).texts).toEqual([]);
  });
  it("rejects a line of bytes that are no UTF-8, and none of its neighbours", () => {
    const { texts, rejections } = split([Buffer.from("gut: \xc3\xbc\nbad: \xff\nok", "latin1")], 100);
    expect(texts).toEqual(["gut: ü", null, "ok"]);
    expect(rejections).toEqual([{ line: 2, reason: "the line isn't valid UTF-8" }]);
  });
  it("keeps nothing of a line that is too long, however long it goes on", () => {
    const splitter = new LineSplitter(1000);
    const chunk = Buffer.alloc(1 << 20, "x");
    for (let i = 0; i < 200; i++) expect(splitter.split(chunk).texts).toEqual([]);
    const block = splitter.split(Buffer.from("x\nnext\n"));
    expect(block.texts).toEqual([null, "next"]);
    expect(block.rejections).toEqual([{ line: 1, reason: "the line is longer than 1000 bytes" }]);
  });
});
