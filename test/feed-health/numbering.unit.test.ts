import { describe, expect, test } from "vitest";
import { Numbering } from "../../src/feed-health/numbering.ts";
import { Sequence } from "../../src/feed-health/sequence.ts";
import fc from "../support/random/fast-check.ts";

const SECOND_US = 1_000_000;

/** @returns what is counted after all have come, one a millisecond, and everything that was late is given up */
function counted(numbers: readonly number[]): Numbering {
  const numbering = new Numbering();
  for (const [i, n] of numbers.entries()) numbering.see(n, i * 1000);
  numbering.settle(Number.MAX_SAFE_INTEGER);
  return numbering;
}

describe("numbers", () => {
  test.each<[what: string, numbers: number[], gaps: number, lost: number]>([
    ["one after another", [5, 6, 7, 8], 0, 0],
    ["none", [], 0, 0],
    ["with one missing", [1, 2, 4], 1, 1],
    ["with ranges missing", [1, 5, 6, 10], 2, 6],
    ["that overtake one another", [1, 3, 2, 4], 0, 0],
    ["that fill a range from within", [1, 10, 5, 6], 2, 6],
    ["again", [1, 2, 2, 1, 3], 0, 0],
    ["below the first", [5, 3, 6], 1, 1],
    ["right below the first", [5, 4, 6], 0, 0],
  ])("%s", (_what, numbers, gaps, lost) => {
    expect(counted(numbers)).toMatchObject({ gaps, lost, count: new Set(numbers).size });
  });

  test("lose what never came, whatever order the others come in, and however often", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 80 }), (numbers) => {
        const came = new Set(numbers);
        const numbering = counted(numbers);
        const span = Math.max(...numbers) - Math.min(...numbers) + 1;
        expect(numbering).toMatchObject({ lost: span - came.size, count: came.size, span });
      }),
    );
  });

  test("are waited for ten seconds", () => {
    const numbering = new Numbering();
    numbering.see(1, 0);
    numbering.see(3, SECOND_US);
    numbering.settle(11 * SECOND_US);
    expect(numbering.lost).toBe(0);
    numbering.settle(11 * SECOND_US + 1);
    expect(numbering).toMatchObject({ lost: 1, gaps: 1 });
  });

  test("are waited for in a thousand ranges at most", () => {
    const numbering = new Numbering();
    for (let n = 0; n < 2500; n += 2) numbering.see(n, 0);
    expect(numbering.lost).toBe(249);
  });
});

describe("what a feed counts is", () => {
  const NOON_US = Date.parse("2026-07-01T12:00:00Z") * 1000;
  const see = (sequence: Sequence, rows: readonly [instrument: string, n: string | null][]) => {
    for (const [i, [instrument, n]] of rows.entries()) sequence.see(instrument, n, NOON_US, NOON_US + i * 1000);
  };
  const range = (count: number) => Array.from({ length: count }, (_, i) => i);
  const END_US = NOON_US + 3600 * SECOND_US;

  test("each instrument's events, where theirs are dense", () => {
    const sequence = new Sequence();
    see(
      sequence,
      range(600).map((i) => [`S${i % 3}`, i === 300 ? null : String(1000 + Math.floor(i / 3))]),
    );
    expect([sequence.countedBy, sequence.gaps(END_US)]).toEqual(["instrument", { gaps: 1, lost: 1 }]);
  });

  test("the feed's events, where those of all together are", () => {
    const sequence = new Sequence();
    see(
      sequence,
      range(600)
        .filter((i) => i < 400 || i >= 410)
        .map((i) => [`S${(i * 7) % 5}`, String(i)]),
    );
    expect([sequence.countedBy, sequence.gaps(END_US)]).toEqual(["feed", { gaps: 1, lost: 10 }]);
  });

  test.each<[what: string, of: (i: number) => string | null]>([
    ["numbers without an order", (i) => String((i * 7919) % 1_000_003)],
    ["words", (i) => `t${i}`],
    ["numbers too large to be exact", (i) => `9007199254740993${i}`],
    ["nothing", () => null],
  ])("nothing that can be told of %s", (_what, of) => {
    const sequence = new Sequence();
    see(
      sequence,
      range(600).map((i) => [`S${i % 3}`, of(i)]),
    );
    expect(sequence.gaps(END_US)).toBeNull();
  });

  test("counted anew with a day, and what was lost before is kept", () => {
    const sequence = new Sequence();
    see(
      sequence,
      range(300)
        .filter((i) => i !== 250)
        .map((i) => ["S", String(i)]),
    );
    const tomorrowUs = NOON_US + 86_400 * SECOND_US;
    for (let i = 0; i < 300; i++) {
      if (i !== 20) sequence.see("S", String(i), tomorrowUs, tomorrowUs + i * 1000);
    }
    expect(sequence.gaps(tomorrowUs + 3600 * SECOND_US)).toEqual({ gaps: 2, lost: 2 });
  });
});
