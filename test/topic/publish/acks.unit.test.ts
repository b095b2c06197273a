import { describe, expect, it } from "vitest";
import { TradetapeError } from "../../../src/errors.ts";
import { Acks } from "../../../src/topic/publish/acks.ts";
import { Batch } from "../../../src/topic/publish/produce-queue.ts";

describe("a bulk publish's acks", () => {
  it("settles when the last batch does, and finds nothing wrong", async () => {
    const acks = new Acks();
    const [first, second] = [new Batch(), new Batch()];
    for (const batch of [first, second, first]) acks.add(batch);
    first.succeed();
    second.succeed();
    await acks.settled();
    expect(acks).toMatchObject({ admitted: 3, acked: 3, hasFailed: false });
    expect(acks.failure(undefined)).toBeUndefined();
  });

  it("counts the acknowledged events in the refused batch's error", async () => {
    const acks = new Acks();
    const [first, second] = [new Batch(), new Batch()];
    for (const batch of [first, first, second]) acks.add(batch);
    first.succeed();
    second.fail(new TradetapeError("publish_refused", "no", { canRetry: true, next: "Wait." }));
    await acks.settled();
    expect(acks.hasFailed).toBe(true);
    expect(acks.failure(undefined)).toMatchObject({
      code: "publish_refused",
      canRetry: true,
      next: "Wait.",
      message: "no (2 of the 3 events before were acknowledged; whether the other 1 are in the topic isn't known)",
    });
  });

  it("tells how many are acknowledged from the first one on without a gap, whatever the order of the answers", async () => {
    const told: number[][] = [];
    const acks = new Acks(({ admitted, acked, ackedInOrder }) => told.push([admitted, acked, ackedInOrder]));
    const [first, second, third, fourth] = [new Batch(), new Batch(), new Batch(), new Batch()];
    for (const batch of [first, second, first, third, second]) acks.add(batch);
    second.succeed();
    await second.acked;
    third.succeed();
    await third.acked;
    first.succeed();
    await first.acked;
    acks.add(fourth);
    fourth.fail(new Error("no"));
    await acks.settled();
    expect([told, acks.ackedInOrder]).toEqual([
      [
        [5, 2, 0],
        [5, 3, 0],
        [5, 5, 5],
      ],
      5,
    ]);
  });

  it("gives a bug back as it is", () => {
    const bug = new TypeError("ours");
    expect(new Acks().failure(bug)).toBe(bug);
  });
});
