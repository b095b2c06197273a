import { describe, expect, it } from "vitest";
import { CopyBuffer, writeInt, writeText, writeTexts, writeTimestamp } from "../../../src/table/rows/copy-buffer.ts";
import { RowEncoder, shownValue } from "../../../src/table/rows/row-encoder.ts";

const FACTS = { published_at: 7, source_partition: 2, source_offset: 9, first_published_at: 7 };
const COLUMNS = [
  { name: "id", from: "event", write: writeText },
  { name: "notes", from: "event", write: writeTexts },
  { name: "revised_at", from: "event", write: writeTimestamp },
  { name: "source_partition", from: "record", write: writeInt },
] as const;

function row(event: Record<string, unknown>, revised = true) {
  const out = new CopyBuffer(8);
  const refusal = new RowEncoder(COLUMNS, revised).write(out, event, FACTS);
  return refusal ?? out.bytes.toString("hex", 0, out.length);
}

describe("a row", () => {
  it("is its number of fields and then each in the columns' order, absent ones as null", () => {
    expect(row({ id: "a", revised_at: 946_684_800_000_001 })).toBe(
      ["0004", "0000000161", "ffffffff", "000000080000000000000001", "0000000400000002"].join(""),
    );
  });

  it("without a revision takes the time it was published, where the rule asks for one", () => {
    const [with_, without] = [row({ id: "a" }), row({ id: "a" }, false)];
    expect(with_).toContain("00000008fffca2fec4c82007");
    expect(without).toBe(["0004", "0000000161", "ffffffff", "ffffffff", "0000000400000002"].join(""));
  });

  it("that a column can't hold leaves the buffer as it was and names column and value", () => {
    const out = new CopyBuffer(8);
    out.int16(1);
    const refusal = new RowEncoder(COLUMNS, true).write(out, { id: "good", notes: ["x", "a\0b"] }, FACTS);
    expect(refusal).toEqual({ column: "notes", detail: 'notes can\'t hold ["x","a\\u0000b"]' });
    expect(out.length).toBe(2);
  });
});

describe("a value as a letter shows it", () => {
  it("says its length instead of its end when it is long", () => {
    expect(shownValue("x".repeat(1_000_000))).toBe(`"${"x".repeat(63)}... (1000002 characters)`);
  });

  it.each([
    ["a text", 'a"b', '"a\\"b"'],
    ["NaN", Number.NaN, "NaN"],
    ["a NUL in a list", ["\0"], '["\\u0000"]'],
  ])("never holds a character that PostgreSQL's text can't: %s", (_, value, expected) => {
    expect(shownValue(value)).toBe(expected);
  });
});
