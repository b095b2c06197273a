import { expect, test } from "vitest";
import { oneAtATime } from "../src/clock.ts";

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
