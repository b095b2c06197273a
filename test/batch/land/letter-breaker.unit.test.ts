import { describe, expect, test } from "vitest";
import { type BadEvent, LetterBreaker, sampleOf } from "../../../src/batch/land/letter-breaker.ts";

const bad = (count: number, schemaId?: number): BadEvent[] =>
  Array.from({ length: count }, (_, offset) => ({ partition: 0, offset, schemaId }));
const batch = (records: number, letters: number) => ({ records, bad: bad(letters) });
const counted = (records: number, letters: number) => ({ records, letters });

describe("the letters' circuit breaker", () => {
  test("trips at the share and the least number together, with either one short it doesn't", () => {
    expect(new LetterBreaker(0.5).trips(batch(1500, 1000))).toEqual(counted(1500, 1000));
    expect(new LetterBreaker(0.5).trips(batch(999, 999))).toBeUndefined();
    expect(new LetterBreaker(0.5).trips(batch(2000, 1000))).toBeUndefined();
    expect(new LetterBreaker(0.5).trips(batch(2000, 1001))).toEqual(counted(2000, 1001));
  });

  test("adds up small batches, and counts only those that were noted", () => {
    const breaker = new LetterBreaker(0.5);
    for (let n = 0; n < 9; n++) {
      expect(breaker.trips(batch(100, 100))).toBeUndefined();
      breaker.note(batch(100, 100));
    }
    expect(breaker.trips(batch(99, 99))).toBeUndefined();
    expect(breaker.trips(batch(100, 100))).toEqual(counted(1000, 1000));
    expect(breaker.trips(batch(100, 100))).toEqual(counted(1000, 1000));
  });

  test("forgets what lies before the window, good or bad", () => {
    const breaker = new LetterBreaker(0.5);
    for (let n = 0; n < 50; n++) breaker.note(batch(1000, 0));
    let bad = 0;
    while (breaker.trips(batch(1000, 1000)) === undefined) {
      breaker.note(batch(1000, 1000));
      bad++;
    }
    expect(bad).toBe(5);
    for (let n = 0; n < 10; n++) breaker.note(batch(1000, 0));
    expect(breaker.trips(batch(1000, 1000))).toBeUndefined();
  });

  test("lets a good batch land after bad ones", () => {
    const breaker = new LetterBreaker(0.5);
    for (let n = 0; n < 9; n++) breaker.note(batch(111, 111));
    expect(breaker.trips(batch(4, 2))).toBeUndefined();
    expect(breaker.trips(batch(4, 3))).toBeDefined();
  });

  test("never trips with a share of 1", () => {
    expect(new LetterBreaker(1).trips(batch(5000, 5000))).toBeUndefined();
  });

  test("doesn't count conflicting duplicates", () => {
    const letters = [
      { index: 0, reason: "conflicting_duplicate" },
      { index: 1, reason: "invalid" },
    ] as const;
    const values = [Buffer.from([0, 0, 0, 0, 7, 1]), Buffer.from("x")];
    const records = {
      count: 2,
      offsetOf: (index: number) => 40 + index,
      record: (index: number) => ({ key: null, value: values[index]!, headers: [] }),
    } as unknown as Parameters<typeof sampleOf>[1]["records"];
    const sample = { records: 7, bad: [{ partition: 3, offset: 41, schemaId: undefined }] };
    expect(sampleOf(7, { partition: 3, records }, letters)).toEqual(sample);
  });

  test("forgets what is allowed, as bad and as good, and nothing beside it", () => {
    const breaker = new LetterBreaker(0.5);
    const mixed = { records: 200, bad: [...bad(90), ...bad(90, 17)] };
    const ofSchema = ({ schemaId }: BadEvent) => schemaId === 17;
    let batches = 0;
    for (; ; batches++) {
      breaker.forget(ofSchema);
      if (breaker.trips(batch(110, 90))) break;
      breaker.note(mixed);
    }
    expect(batches).toBe(11);
    expect(breaker.trips(batch(110, 90))).toEqual(counted(12 * 110, 12 * 90));
  });
});
