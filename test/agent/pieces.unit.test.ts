import { hash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { bodyOf, type Contents, cutIntoPieces } from "../../src/agent/body/pieces.ts";
import fc from "../support/random/fast-check.ts";

const KIB = 1024;
/** Text of some size that doesn't repeat itself. */
const textOf = (seed: string, bytes: number): string => {
  const words: string[] = [];
  for (let n = 0, size = 0; size < bytes; n++) {
    const word = `${hash("sha256", `${seed} ${n}`)} € 🚀 `;
    words.push(word);
    size += Buffer.byteLength(word);
  }
  return words.join("");
};
const piecesOf = (text: string) => cutIntoPieces(Buffer.from(text)).map(String);

describe("a body", () => {
  test.each([
    ["nothing", ""],
    ["16 KiB", "x".repeat(16 * KIB)],
  ])("of %s is whole in its event", (_, text) => {
    const contents: Contents = new Map();
    const told = { sha256: hash("sha256", text), bytes: text.length };
    expect(bodyOf(text, contents)).toEqual({ whole: text, pieces: null, ...told });
    expect(contents.size).toBe(0);
  });

  test.each([
    ["one byte more", "x".repeat(16 * KIB + 1)],
    ["1 MiB", textOf("large", KIB * KIB)],
    ["one character of 4 bytes for ever", "🚀".repeat(200 * KIB)],
  ])("of %s lies in pieces that are named by their digests and make it whole", (_, text) => {
    const contents: Contents = new Map();
    const body = bodyOf(text, contents);
    expect(body).toMatchObject({ whole: null, sha256: hash("sha256", text), bytes: Buffer.byteLength(text) });
    expect(body.pieces!.map((name) => contents.get(name)).join("")).toBe(text);
    for (const [name, piece] of contents) expect(hash("sha256", piece)).toBe(name);
  });

  test("that many calls send with another question each takes its room once", () => {
    const contents: Contents = new Map();
    const context = textOf("context", 200 * KIB);
    const questions = Array.from({ length: 1000 }, (_, n) => `{"system":"${context}","question":"number ${n}"}`);
    for (const question of questions) bodyOf(question, contents);
    const kept = [...contents.values()].reduce((sum, piece) => sum + Buffer.byteLength(piece), 0);
    // All but the last piece of each is the same; that has 16 to 256 KiB, as the text has it.
    const last = Buffer.byteLength(piecesOf(questions[0]!).at(-1)!);
    expect(kept).toBeLessThan(Buffer.byteLength(context) + 1000 * (last + 100));
    expect(contents.size).toBe(piecesOf(questions[0]!).length - 1 + 1000);
  });
});

describe("pieces", () => {
  test("are the text again, well formed and within their bounds, whatever the text", () => {
    const letter = fc.constantFrom("a", "é", "€", "🚀", "\n", '"');
    const text = fc.tuple(fc.array(letter, { minLength: 1, maxLength: 40 }), fc.integer({ min: 0, max: 40_000 }));
    fc.assert(
      fc.property(text, fc.string({ unit: "binary", maxLength: 50 }), ([letters, times], end) => {
        const whole = letters.join("").repeat(times).slice(0, 700_000).toWellFormed() + end.toWellFormed();
        const pieces = cutIntoPieces(Buffer.from(whole));
        expect(pieces.map(String).join("") === whole).toBe(true);
        for (const piece of pieces.slice(0, -1)) {
          expect(piece.length).toBeGreaterThanOrEqual(16 * KIB);
          expect(piece.length).toBeLessThanOrEqual(256 * KIB + 3);
        }
      }),
      { numRuns: 60 },
    );
  });

  test("of a text that has changed in one place, grown before, behind or within, are those of the text but for a few", () => {
    const text = textOf("conversation", 2000 * KIB);
    const own = new Set(piecesOf(text));
    expect(own.size).toBeGreaterThan(15);
    const middle = Math.floor(text.length / 2);
    for (const changed of [`new ${text}`, `${text} new`, `${text.slice(0, middle)}new${text.slice(middle)}`]) {
      expect(piecesOf(changed).filter((piece) => !own.has(piece)).length).toBeLessThanOrEqual(2);
    }
  });
});
