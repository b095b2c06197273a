import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { CHAIN_START, chainHash } from "../../src/audit/chain.ts";

const hex = (fields: (string | null)[], previous = CHAIN_START) => chainHash(previous, fields).toString("hex");

describe("the audit chain's hash", () => {
  it("is SHA-256 of the previous hash and each field behind its length, null as length -1", () => {
    const bytes = Buffer.from(`${"00".repeat(32)}00000002c3a9ffffffff00000000`, "hex");
    expect(hex(["é", null, ""])).toBe(createHash("sha256").update(bytes).digest("hex"));
  });

  it("stays what it was: entries hashed by an earlier version must still be whole", () => {
    expect(hex(["a", "b", null])).toBe("3769ba691c844bfb79e8eb32ea14a8e3e750000779bce9a9de7f767d454b0513");
  });

  const eleven = ["i", "1", "t", "a", "{}", "true", null, null, null, null, null];

  it("covers which key signed the entry, and of one that nobody signed is what it was before signatures were known", () => {
    expect(hex([...eleven, null])).toBe(hex(eleven));
    const hashes = [null, "", "lander", "desk"].map((key) => hex([...eleven, key]));
    expect(new Set(hashes).size).toBe(4);
    expect(hex([...eleven.slice(0, 10), "lander"])).not.toBe(hex([...eleven, "lander"]));
  });

  it.each([
    [
      ["ab", "c"],
      ["a", "bc"],
    ],
    [
      ["a", null],
      ["a", ""],
    ],
    [
      ["a", "null"],
      ["a", null],
    ],
    [["a"], ["a", ""]],
    [
      ["a\0", "b"],
      ["a", "\0b"],
    ],
  ])("tells %j and %j apart", (one, other) => {
    expect(hex(one)).not.toBe(hex(other));
  });

  it("depends on what came before", () => {
    expect(hex(["a"], chainHash(CHAIN_START, ["x"]))).not.toBe(hex(["a"]));
  });
});
