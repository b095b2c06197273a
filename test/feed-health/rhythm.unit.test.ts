import { expect, test } from "vitest";
import { Rhythm } from "../../src/feed-health/rhythm.ts";

const SECOND_US = 1_000_000;

/** @param gaps in seconds, from an open market's first moment on */
function heardAfter(gaps: readonly number[]): Rhythm {
  const rhythm = new Rhythm();
  let us = 0;
  rhythm.arrive(us, 0);
  for (const gap of gaps) {
    us += gap * SECOND_US;
    rhythm.arrive(us, 0);
  }
  return rhythm;
}
const repeated = (gap: number, times: number) => Array.from({ length: times }, () => gap);

test.each<[what: string, gaps: number[], silentAfterSeconds: number]>([
  ["thirty seconds at least, however busy it is", repeated(0.01, 1000), 30],
  ["twenty times the average", repeated(4, 1000), 80],
  ["twice the longest", [...repeated(0.1, 500), 25, ...repeated(0.1, 500)], 50],
])("a silence is one after %s", (_what, gaps, seconds) => {
  expect(heardAfter(gaps).silentAfterUs / SECOND_US).toBeCloseTo(seconds, 3);
});

test("an outage makes the next one no longer, and a feed that has become slower is known for it", () => {
  expect(heardAfter([...repeated(0.1, 500), 300]).silentAfterUs / SECOND_US).toBe(30);
  expect(heardAfter([...repeated(0.1, 500), ...repeated(45, 30)]).silentAfterUs).toBeGreaterThan(45 * SECOND_US);
});

test("nothing is known of it before twenty gaps", () => {
  expect([heardAfter(repeated(1, 19)).isKnown, heardAfter(repeated(1, 20)).isKnown]).toEqual([false, true]);
});

test("what comes late, or while the market is closed, is no gap", () => {
  const rhythm = new Rhythm();
  rhythm.arrive(10 * SECOND_US, 0);
  for (let n = 0; n < 30; n++) rhythm.arrive(5 * SECOND_US, 0);
  for (let n = 0; n < 30; n++) rhythm.arrive((20 + n) * SECOND_US, null);
  rhythm.arrive(100 * SECOND_US, 90 * SECOND_US);
  expect(rhythm.isKnown).toBe(false);
});
