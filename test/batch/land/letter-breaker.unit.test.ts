import { describe, expect, test } from "vitest";
import { LetterBreaker, sampleOf } from "../../../src/batch/land/letter-breaker.ts";

const batch = (records: number, letters: number) => ({ records, letters });

describe("the letters' circuit breaker", () => {
  test("trips at the share and the least number together, with either one short it doesn't", () => {
    expect(new LetterBreaker(0.5).trips(batch(1500, 1000))).toEqual(batch(1500, 1000));
    expect(new LetterBreaker(0.5).trips(batch(999, 999))).toBeUndefined();
    expect(new LetterBreaker(0.5).trips(batch(2000, 1000))).toBeUndefined();
    expect(new LetterBreaker(0.5).trips(batch(2000, 1001))).toEqual(batch(2000, 1001));
  });

  test("adds up small batches, and counts only those that were noted", () => {
    const breaker = new LetterBreaker(0.5);
    for (let n = 0; n < 9; n++) {
      expect(breaker.trips(batch(100, 100))).toBeUndefined();
      breaker.note(batch(100, 100));
    }
    expect(breaker.trips(batch(99, 99))).toBeUndefined();
    expect(breaker.trips(batch(100, 100))).toEqual(batch(1000, 1000));
    expect(breaker.trips(batch(100, 100))).toEqual(batch(1000, 1000));
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
    const letters = [{ reason: "conflicting_duplicate" }, { reason: "invalid" }] as const;
    expect(sampleOf(7, letters)).toEqual(batch(7, 1));
  });
});
