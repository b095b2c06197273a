import { describe, expect, test } from "vitest";
import type { SeenRecord } from "../../src/cli/look/seen-record.ts";
import { recordText } from "../../src/cli/look/tail-text.ts";
import { printable } from "../../src/cli/output.ts";
import { tick } from "../support/samples.ts";

const seen = (change: Partial<SeenRecord> = {}): SeenRecord => ({
  partition: 2,
  offset: 4711,
  publishedAtMs: Date.UTC(2026, 0, 2),
  key: tick().symbol_id,
  headers: {},
  schemaId: 3,
  event: { ...tick(), conditions: ["@ T", "\u001b[2J"], source: "two words" },
  letter: null,
  valueBytes: 90,
  valueHex: null,
  ...change,
});

describe("an event in words", () => {
  test.each([20, 40, 80, 132])("fits %i columns, and loses no letter by that", (columns) => {
    const poison = seen({
      event: null,
      valueHex: "ab".repeat(300),
      letter: { reason: "undecodable", detail: "it ends early" },
    });
    for (const one of [seen(), poison]) {
      const lines = recordText("ticks", one, columns).split("\n");
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
      const letters = (text: string) => text.replaceAll(/\s/g, "");
      expect(letters(lines.join(""))).toBe(letters(recordText("ticks", one, Number.POSITIVE_INFINITY)));
    }
  });

  test("has no key that its field says, and one that it doesn't", () => {
    expect(recordText("ticks", seen(), Number.POSITIVE_INFINITY)).not.toContain("key=");
    expect(recordText("ticks", seen({ key: "other" }), Number.POSITIVE_INFINITY)).toContain("key=other");
  });
});

test.each([
  ["\u0000\u001b[2J\u007f\u0085", String.raw`\x00\x1b[2J\x7f\x85`],
  ["\u061c\u200e\u200f\u202a\u202e\u2066\u2069", String.raw`\u061c\u200e\u200f\u202a\u202e\u2066\u2069`],
  ["a\u2028b\u2029c\nd", String.raw`a\u2028b\u2029c\x0ad`],
  ["Ärger ₿ שלום", "Ärger ₿ שלום"],
])("%j can be printed as %s", (text, shown) => expect(printable(text)).toBe(shown));
