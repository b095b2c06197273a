import { expect, test } from "vitest";
import { OneAtATime } from "../../../src/topic/wire/one-at-a-time.ts";

test("one work runs at a time, in order, and one that fails holds up none", async () => {
  const turns = new OneAtATime();
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
