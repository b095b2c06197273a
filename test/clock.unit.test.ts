import { expect, test } from "vitest";
import { OneAfterAnother, oneAtATime } from "../src/clock.ts";

test("work that takes longer than the time between two calls is not begun again before it has ended", async () => {
  const ends: (() => void)[] = [];
  const call = oneAtATime(() => new Promise<void>((resolve) => ends.push(resolve)));
  for (let n = 0; n < 3; n++) call();
  expect(ends).toHaveLength(1);
  ends[0]!();
  await new Promise((resolve) => setImmediate(resolve));
  for (let n = 0; n < 3; n++) call();
  expect(ends).toHaveLength(2);
});

test("one work runs at a time, in order, and one that fails holds up none", async () => {
  const turns = new OneAfterAnother();
  const seen: string[] = [];
  const work = (name: string, end: () => Promise<void>) =>
    turns.next(async () => {
      seen.push(`${name} begins`);
      await end();
      seen.push(`${name} ends`);
      return name;
    });
  const first = Promise.withResolvers<void>();
  const fails = () => Promise.reject(new Error("no"));
  const all = [work("a", () => first.promise), work("b", fails), work("c", async () => {})];
  const settled = Promise.allSettled(all);
  await new Promise((resolve) => setImmediate(resolve));
  expect(seen).toEqual(["a begins"]);
  first.resolve();
  expect((await settled).map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(seen).toEqual(["a begins", "a ends", "b begins", "c begins", "c ends"]);
});
