import { describe, expect, it } from "vitest";
import type { EncodedBatch, Letter } from "../../../src/batch/encode/encoded-batch.ts";
import { letterRows } from "../../../src/batch/land/aside-rows.ts";
import { NOON } from "../../support/samples.ts";

const record = { key: Buffer.from("k"), value: Buffer.from("v"), headers: { a: Buffer.from("1") } };
const batch = {
  partition: 0,
  records: { count: 1, offsetOf: () => 7, publishedAtMs: () => NOON / 1000, record: () => record },
} as unknown as EncodedBatch;
const letter = (change: Partial<Letter>): Letter => ({ index: 0, reason: "invalid", detail: "why", ...change });
const detailOf = (detail: string) => letterRows(batch, [letter({ detail })])[0]!.detail;

describe("a letter's row", () => {
  it("holds the record as it came, where it lay, and what is wrong with it", () => {
    expect(letterRows(batch, [letter({ column: "source", sqlstate: "22021" })])).toEqual([
      expect.objectContaining({
        offset: 7,
        reason: "invalid",
        detail: "why",
        column: "source",
        sqlstate: "22021",
        key: record.key,
        value: record.value,
        headers: { a: "MQ==" },
        publishedAtMs: NOON / 1000,
      }),
    ]);
  });

  it("has a detail that PostgreSQL's text can hold, whatever it quotes", () => {
    expect(detailOf("source can't hold a\0b")).toBe("source can't hold a\\0b");
    expect(detailOf("half a pair \ud83d").isWellFormed()).toBe(true);
    expect(detailOf("x".repeat(1_000_000)).length).toBeLessThanOrEqual(1000);
  });
});
