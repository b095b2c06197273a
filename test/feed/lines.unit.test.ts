import { describe, expect, it } from "vitest";
import type { Place, Rejection } from "../../src/feed/feed.ts";
import { LineSplitter, PlaceFinder, START } from "../../src/feed/lines.ts";
import fc from "../support/random/fast-check.ts";

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
    expect(rejections).toEqual([
      { line: 2, reason: "the line isn't valid UTF-8", text: "bad: \ufffd", damage: "not UTF-8" },
    ]);
  });
  it("keeps only the beginning of a line that is too long, however long it goes on", () => {
    const splitter = new LineSplitter(1000);
    const chunk = Buffer.alloc(1 << 20, "x");
    for (let i = 0; i < 200; i++) expect(splitter.split(chunk).texts).toEqual([]);
    const block = splitter.split(Buffer.from("x\nnext\n"));
    expect(block.texts).toEqual([null, "next"]);
    const reason = "the line is longer than 1000 bytes";
    const cut = { line: 1, reason, text: "x".repeat(1000), damage: "cut" };
    expect(block.rejections).toEqual([cut]);
    expect(new LineSplitter(1000).split(Buffer.from(`${"x".repeat(1001)}\n`)).rejections).toEqual([cut]);
  });
});

describe("PlaceFinder", () => {
  const line = fc.string({ unit: "grapheme", maxLength: 12 }).filter((s) => !/[\r\n]/.test(s));
  const files = fc.tuple(fc.array(line, { minLength: 1 }), fc.array(fc.nat(500)), fc.array(fc.nat(500)), fc.nat(500));

  /** Where the file's chunks end, and which of its lines come behind the place. */
  function follow(bytes: Buffer, cuts: readonly number[], from: Place) {
    const finder = new PlaceFinder("a.csv", from);
    const splitter = new LineSplitter(1000);
    const ends: Place[] = [];
    const texts: (string | null)[] = [];
    for (const chunk of cutAt(bytes, cuts).filter((one) => one.length > 0)) {
      for (const part of finder.cut(chunk)) {
        const block = splitter.split(part);
        const end = finder.pass(part, splitter.lines);
        if (end !== undefined) texts.push(...block.texts);
        if (end !== undefined) ends.push(end);
      }
    }
    finder.requirePassed();
    return { ends, texts: [...texts, ...splitter.end().texts] };
  }

  it("goes on behind any place of a file, whatever its chunks were then and are now, and whatever was appended", () => {
    fc.assert(
      fc.property(files, ([lines, cuts, others, at]) => {
        const all = Buffer.from(lines.map((l) => `${l}\n`).join(""));
        const { ends } = follow(all, cuts, START);
        const place = ends[at % ends.length]!;
        const longer = Buffer.concat([all, Buffer.from("more")]);
        expect(follow(longer, others, place).texts).toEqual([...lines.slice(place.lines), "more"]);
        expect(ends.at(-1)).toMatchObject({ lines: lines.length, bytes: all.length });
      }),
    );
  });
  it("refuses a file that differs in any byte before the place, and one that ends before it", () => {
    fc.assert(
      fc.property(files, fc.nat(), ([lines, cuts, others], at) => {
        const all = Buffer.from(lines.map((l) => `${l}\n`).join(""));
        const place = follow(all, cuts, START).ends.at(-1)!;
        const changed = Buffer.from(all);
        changed[at % all.length]! ^= 1;
        expect(() => follow(changed, others, place)).toThrow("a.csv has other text than when its first");
        expect(() => follow(all.subarray(0, -1), others, place)).toThrow("a.csv has an earlier end than when");
      }),
    );
  });
});
