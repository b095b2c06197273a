import { expect, test } from "vitest";
import { outcomeOf } from "../../src/dead-letter/redrive-outcome.ts";

const batch = (ours: number, change: object) => ({
  ours,
  dead: 0,
  parked: 0,
  written: 0,
  duplicate: 0,
  replaced: 0,
  filtered: 0,
  ...change,
});
const known = (change: object) => ({
  written: 0,
  duplicate: 0,
  replaced: 0,
  filtered: 0,
  parked: 0,
  landedAmongOthers: 0,
  onTheWay: 0,
  ...change,
});

test("a batch that held nothing else tells of each of ours", () => {
  const batches = [batch(10, { dead: 2, parked: 1, written: 4, duplicate: 2, replaced: 1 })];
  expect(outcomeOf(10, batches)).toEqual(known({ parked: 1, written: 4, duplicate: 2, replaced: 1 }));
});

test("a batch of others, too, tells of ours where all had one outcome", () => {
  expect(outcomeOf(3, [batch(3, { dead: 1, written: 500 })])).toEqual(known({ written: 2 }));
});

test("a mixed batch tells no more than that ours have landed", () => {
  expect(outcomeOf(3, [batch(3, { written: 500, duplicate: 1 })])).toEqual(known({ landedAmongOthers: 3 }));
});

test("an event that was parked by its batch and released since is known to have landed, not how", () => {
  expect(outcomeOf(2, [batch(2, { written: 1 })])).toEqual(known({ landedAmongOthers: 2 }));
});

test("what no batch covers is on the way", () => {
  expect(outcomeOf(5, [batch(1, { written: 1 }), batch(1, { duplicate: 1 })])).toEqual(
    known({ written: 1, duplicate: 1, onTheWay: 3 }),
  );
});
