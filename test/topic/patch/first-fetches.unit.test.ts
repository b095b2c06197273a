import { describe, expect, it } from "vitest";
import { shortenFirstFetches } from "../../../src/topic/patch/first-fetches.ts";
import type { Internals } from "../../../src/topic/patch/kafkajs-internals.ts";

/** How long each fetch of a member waits that was made with `longest`, by how many records each brings. */
async function waits(longest: number, brought: readonly number[]): Promise<readonly number[]> {
  const waited: number[] = [];
  class ConsumerGroup {
    maxWaitTime = longest;
    async fetch(count: number): Promise<readonly object[]> {
      waited.push(this.maxWaitTime);
      return [{ messagesWithinOffset: [] }, { messagesWithinOffset: Array(count).fill({}) }];
    }
  }
  shortenFirstFetches({ ConsumerGroup } as unknown as Internals);
  const group = new ConsumerGroup();
  for (const count of brought) await group.fetch(count);
  return waited;
}

describe("a member's fetches", () => {
  it("wait a little at first, and in the end as long as the member was made to", async () => {
    expect(await waits(650, Array(8).fill(0))).toEqual([20, 40, 80, 160, 320, 640, 650, 650]);
  });

  it("wait no longer for one that brought something", async () => {
    expect(await waits(650, [1, 1, 0, 1, 0, 0])).toEqual([20, 20, 20, 40, 40, 80]);
  });

  it("never wait longer than the member was made to", async () => {
    expect(await waits(10, [0, 0, 1])).toEqual([10, 10, 10]);
  });

  it("of one that was made anew wait a little again", async () => {
    await waits(650, Array(8).fill(0));
    expect(await waits(650, [0])).toEqual([20]);
  });
});
