import { describe, expect, test } from "vitest";
import { type BadEvent, LetterBreaker, sampleOf } from "../../../src/batch/land/letter-breaker.ts";

const bad = (count: number, schemaId?: number): BadEvent[] =>
  Array.from({ length: count }, (_, offset) => ({ partition: 0, offset, schemaId }));
const batch = (records: number, letters: number, parked = 0) => ({ records, parked, bad: bad(letters) });
const release = (records: number, letters: number) => batch(records, letters, -records);
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
    const sample = { records: 7, parked: 2, bad: [{ partition: 3, offset: 41, schemaId: undefined }] };
    expect(sampleOf({ records: 7, parked: 2 }, { partition: 3, records }, letters)).toEqual(sample);
  });

  test("forgets what is allowed, as bad and as good, and nothing beside it", () => {
    const breaker = new LetterBreaker(0.5);
    const mixed = { records: 200, parked: 0, bad: [...bad(90), ...bad(90, 17)] };
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

  describe("events that wait for a parent", () => {
    test("count as looked at while they wait: two bad in five trip nothing, more bad than waiting does", () => {
      expect(new LetterBreaker(0.5).trips(batch(2500, 1000, 1500))).toBeUndefined();
      expect(new LetterBreaker(0.5).trips(batch(2500, 1251, 1249))).toEqual(counted(2500, 1251));
    });

    test("count once: a release takes them out of where they were parked, and counts what they came to", () => {
      const breaker = new LetterBreaker(0.5);
      breaker.note(batch(2000, 0, 2000));
      breaker.note(release(900, 900));
      expect(breaker.trips(release(100, 100))).toBeUndefined();
      breaker.note(release(100, 100));
      expect(breaker.trips(release(1, 1))).toEqual(counted(2000, 1001));
    });

    test("that all turn out to be letters trip it, however long they waited", () => {
      const fresh = new LetterBreaker(0.5);
      fresh.note(batch(1500, 0, 1500));
      expect(fresh.trips(release(1000, 1000))).toEqual(counted(1500, 1000));
      expect(new LetterBreaker(0.5).trips(release(1000, 1000))).toEqual(counted(1000, 1000));
    });

    test("leave the window with their batch, and nothing is taken out for them then", () => {
      const breaker = new LetterBreaker(0.5);
      breaker.note(batch(5000, 0, 5000));
      breaker.note(batch(10_000, 0));
      breaker.note(release(4000, 0));
      expect(breaker.trips(batch(14_001, 14_001))).toEqual(counted(28_001, 14_001));
    });

    test("still wait when what was allowed is forgotten", () => {
      const breaker = new LetterBreaker(0.5);
      breaker.note({ ...batch(2000, 0, 1200), bad: bad(800, 17) });
      breaker.forget(({ schemaId }) => schemaId === 17);
      breaker.note(release(700, 700));
      expect(breaker.trips(release(500, 500))).toEqual(counted(1200, 1200));
    });

    test("are no longer looked at where they are given up", () => {
      const breaker = new LetterBreaker(0.5);
      breaker.note(batch(3000, 0, 3000));
      breaker.note({ records: 0, parked: -2500, bad: [] });
      expect(breaker.trips(batch(1000, 1000))).toEqual(counted(1500, 1000));
    });
  });
});
