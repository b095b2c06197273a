import { createHash, randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { EncodedBatch, Letter } from "../../../src/batch/encode/encoded-batch.ts";
import { letterRows } from "../../../src/batch/land/aside-rows.ts";
import { NOON } from "../../support/samples.ts";

const MIB = 1024 * 1024;
const record = { key: Buffer.from("k"), value: Buffer.from("v"), headers: { a: Buffer.from("1") } };
const batch = {
  partition: 0,
  records: { count: 1, offsetOf: () => 7, publishedAtMs: () => NOON / 1000, record: () => record },
} as unknown as EncodedBatch;
const letter = (change: Partial<Letter>): Letter => ({ index: 0, reason: "invalid", detail: "why", ...change });
const detailOf = (detail: string) => letterRows(batch, [letter({ detail })], MIB)[0]!.detail;

describe("a letter's row", () => {
  it("holds the record as it came, where it lay, and what is wrong with it", () => {
    expect(letterRows(batch, [letter({ column: "source", sqlstate: "22021" })], MIB)).toEqual([
      expect.objectContaining({
        offset: 7,
        reason: "invalid",
        detail: "why",
        column: "source",
        sqlstate: "22021",
        key: record.key,
        value: record.value,
        cut: null,
        headers: { a: "MQ==" },
        publishedAtMs: NOON / 1000,
      }),
    ]);
  });

  it("keeps the beginning, the length and the digest of a value that is larger than an event may be", () => {
    const value = randomBytes(3 * MIB);
    const large = { ...batch, records: { ...batch.records, record: () => ({ ...record, value }) } };
    const [kept] = letterRows(large, [letter({ reason: "too_large" })], 2 * MIB);
    const sha256 = createHash("sha256").update(value).digest("hex");
    expect(kept).toMatchObject({ value: value.subarray(0, 1024), cut: { bytes: 3 * MIB, sha256 } });
    expect(kept!.value!.buffer.byteLength).toBeLessThan(MIB);
    const [whole] = letterRows(large, [letter({ reason: "producer_time" })], 3 * MIB);
    expect(whole).toMatchObject({ value, cut: null });
  });

  it("keeps a value whole that is no longer than what is kept of others, whatever an event may be", () => {
    const value = randomBytes(1024);
    const small = { ...batch, records: { ...batch.records, record: () => ({ ...record, value }) } };
    expect(letterRows(small, [letter({})], 10)[0]).toMatchObject({ value, cut: null });
  });

  it("has a detail that PostgreSQL's text can hold, whatever it quotes", () => {
    expect(detailOf("source can't hold a\0b")).toBe("source can't hold a\\0b");
    expect(detailOf("half a pair \ud83d").isWellFormed()).toBe(true);
    expect(detailOf("x".repeat(1_000_000)).length).toBeLessThanOrEqual(1000);
  });
});
