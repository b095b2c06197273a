import { describe, expect, it } from "vitest";
import { TradetapeError } from "../../../src/errors.ts";
import { Batch } from "../../../src/topic/publish/lane.ts";
import { Tally } from "../../../src/topic/publish/tally.ts";

describe("a bulk publish's tally", () => {
  it("settles when the last batch does, and finds nothing wrong", async () => {
    const tally = new Tally();
    const [first, second] = [new Batch(), new Batch()];
    for (const batch of [first, second, first]) tally.add(batch);
    first.succeed();
    second.succeed();
    await tally.settled();
    expect(tally).toMatchObject({ admitted: 3, acked: 3, hasFailed: false });
    expect(tally.verdict(undefined)).toBeUndefined();
  });

  it("counts the acknowledged events in the refused batch's error", async () => {
    const tally = new Tally();
    const [first, second] = [new Batch(), new Batch()];
    for (const batch of [first, first, second]) tally.add(batch);
    first.succeed();
    second.fail(new TradetapeError("publish_refused", "no", { canRetry: true, next: "Wait." }));
    await tally.settled();
    expect(tally.hasFailed).toBe(true);
    expect(tally.verdict(undefined)).toMatchObject({
      code: "publish_refused",
      canRetry: true,
      next: "Wait.",
      message: "no (2 of the 3 events before were acknowledged)",
    });
  });

  it("gives a bug back as it is", () => {
    const bug = new TypeError("ours");
    expect(new Tally().verdict(bug)).toBe(bug);
  });
});
