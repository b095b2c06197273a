import { describe, expect, it } from "vitest";
import {
  CopyBuffer,
  type FieldWriter,
  writeBigint,
  writeBoolean,
  writeDouble,
  writeInt,
  writeJsonb,
  writeNull,
  writeSmallint,
  writeText,
  writeTexts,
  writeTimestamp,
  writeUuid,
} from "../../../src/table/rows/copy-buffer.ts";

/** What a writer appends, as hexadecimal digits; undefined where it refuses. */
function written(write: FieldWriter, value: unknown, capacity = 1): string | undefined {
  const out = new CopyBuffer(capacity);
  const accepted = write(out, value);
  return accepted ? out.bytes.toString("hex", 0, out.length) : undefined;
}

const UUID = "00112233-4455-6677-8899-aabbccddeeff";

// The expected bytes are from PostgreSQL's documentation ("COPY", Binary Format) and its send functions, not from ours.
describe("fields in PostgreSQL's binary format", () => {
  it.each<[string, FieldWriter, unknown, string]>([
    ["a uuid", writeUuid, UUID, "00000010 00112233445566778899aabbccddeeff"],
    ["a uuid in capitals", writeUuid, UUID.toUpperCase(), "00000010 00112233445566778899aabbccddeeff"],
    ["2000-01-01, where PostgreSQL's time begins", writeTimestamp, 946_684_800_000_000, "00000008 0000000000000000"],
    ["a microsecond before it", writeTimestamp, 946_684_799_999_999, "00000008 ffffffffffffffff"],
    ["1970-01-01", writeTimestamp, 0, "00000008 fffca2fec4c82000"],
    ["a bigint", writeBigint, 1, "00000008 0000000000000001"],
    ["a negative bigint", writeBigint, -1, "00000008 ffffffffffffffff"],
    ["2^32, where the halves meet", writeBigint, 2 ** 32, "00000008 0000000100000000"],
    ["-2^32 - 1", writeBigint, -(2 ** 32) - 1, "00000008 fffffffeffffffff"],
    ["the largest exact bigint", writeBigint, Number.MAX_SAFE_INTEGER, "00000008 001fffffffffffff"],
    ["the smallest exact bigint", writeBigint, Number.MIN_SAFE_INTEGER, "00000008 ffe0000000000001"],
    ["an integer", writeInt, -2, "00000004 fffffffe"],
    ["a smallint", writeSmallint, -32_768, "00000002 8000"],
    ["a double", writeDouble, 0.1, "00000008 3fb999999999999a"],
    ["-0", writeDouble, -0, "00000008 8000000000000000"],
    ["the smallest double", writeDouble, 5e-324, "00000008 0000000000000001"],
    ["true", writeBoolean, true, "00000001 01"],
    ["false", writeBoolean, false, "00000001 00"],
    ["empty text", writeText, "", "00000000"],
    ["ASCII", writeText, "IBM", "00000003 49424d"],
    ["text of two, three and four bytes a character", writeText, "é€🚀", "00000009 c3a9e282acf09f9a80"],
    ["jsonb, behind its version", writeJsonb, "{}", "00000003 01 7b7d"],
    ["an empty text[]", writeTexts, [], "0000000c 00000000 00000000 00000019"],
    ["a text[]", writeTexts, ["a", ""], "0000001d 00000001 00000000 00000019 00000002 00000001 00000001 61 00000000"],
  ])("%s", (_, write, value, expected) => {
    expect(written(write, value)).toBe(expected.replaceAll(" ", ""));
  });

  it("null is a length of -1", () => {
    const out = new CopyBuffer(0);
    writeNull(out);
    expect(out.bytes.toString("hex", 0, out.length)).toBe("ffffffff");
  });

  it("text is the same whether it is short, long or wide only at its end", () => {
    for (const text of ["x".repeat(24), "x".repeat(25), `${"x".repeat(20)}é`, "€".repeat(5000)]) {
      const hex = written(writeText, text)!;
      expect(Number.parseInt(hex.slice(0, 8), 16)).toBe(Buffer.byteLength(text));
      expect(Buffer.from(hex.slice(8), "hex").toString()).toBe(text);
    }
  });
});

describe("what a column can't hold", () => {
  it.each<[string, FieldWriter, unknown]>([
    ["text that is no uuid", writeUuid, "IBM"],
    ["a uuid with a wrong digit", writeUuid, `${UUID.slice(0, -1)}g`],
    ["a uuid with a character beyond ASCII", writeUuid, `${UUID.slice(0, -1)}ā`],
    ["a uuid without hyphens at their places", writeUuid, "0011223-34455-6677-8899-aabbccddeeff"],
    ["a uuid in braces", writeUuid, `{${UUID}}`],
    ["a time beyond 2^53", writeTimestamp, 2 ** 53],
    ["half a microsecond", writeTimestamp, 0.5],
    ["a bigint beyond 2^53", writeBigint, -(2 ** 53)],
    ["a smallint beyond 16 bits", writeSmallint, 32_768],
    ["NaN", writeDouble, Number.NaN],
    ["an infinity", writeDouble, Number.NEGATIVE_INFINITY],
    ["short text with a NUL", writeText, "a\0b"],
    ["long text with a NUL", writeText, `${"x".repeat(100)}\0`],
    ["wide text with a NUL", writeText, "é\0"],
    ["jsonb with a NUL", writeJsonb, '{"a\0": 1}'],
    ["a list with a NUL in one text", writeTexts, ["ok", "\0"]],
  ])("%s is refused, and nothing of it stays", (_, write, value) => {
    const out = new CopyBuffer(64);
    out.int16(7);
    expect(write(out, value)).toBe(false);
    expect(out.length).toBe(2);
  });
});

describe("the buffer", () => {
  it("keeps what it holds while it grows", () => {
    const out = new CopyBuffer(1);
    const texts = Array.from({ length: 100 }, (_, n) => "y".repeat(n));
    for (const text of texts) writeText(out, text);
    let at = 0;
    for (const text of texts) {
      expect(out.bytes.readInt32BE(at)).toBe(text.length);
      expect(out.bytes.toString("utf8", at + 4, at + 4 + text.length)).toBe(text);
      at += 4 + text.length;
    }
    expect(at).toBe(out.length);
  });
});
