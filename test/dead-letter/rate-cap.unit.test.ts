import { expect, test } from "vitest";
import { RateCap } from "../../src/dead-letter/rate-cap.ts";

/** Sends `events` as a redrive does, on a clock of its own. @returns when each went, in milliseconds */
async function times(perSecondMax: number | undefined, events: number): Promise<number[]> {
  let nowMs = 0;
  const rateCap = new RateCap(perSecondMax, new AbortController().signal, {
    now: () => nowMs,
    sleep: async (ms) => {
      nowMs += ms;
    },
  });
  const sent: number[] = [];
  while (sent.length < events) {
    const step = rateCap.step(events - sent.length);
    await rateCap.turn(step);
    for (let n = 0; n < step; n++) sent.push(nowMs);
  }
  return sent;
}

test("no more events go in any second than the cap says", async () => {
  for (const cap of [1, 3, 10, 25, 200]) {
    const sent = await times(cap, cap * 4);
    const most = Math.max(...sent.map((from) => sent.filter((at) => at >= from && at < from + 1000).length));
    expect(most, `at ${cap} a second`).toBeLessThanOrEqual(Math.ceil(cap * 1.1));
  }
});

test("the cap is used up, too", async () => {
  expect((await times(25, 100)).at(-1)).toBeLessThanOrEqual(4000);
});

test("without a cap all goes at once", async () => {
  expect(await times(undefined, 3)).toEqual([0, 0, 0]);
});
