import { describe, expect, it } from "vitest";
import { checkLeader, isOfOtherLeader } from "../../../src/batch/group/history.ts";
import { Lane } from "../../../src/batch/group/lane.ts";
import { FetchedBatch, type LeaderEpoch } from "../../../src/topic/fetch/fetched-batch.ts";
import type { EpochEnd } from "../../../src/topic/offsets.ts";
import { bufferedRecords } from "../../topic/fetch/buffered-records.ts";

/** A lane whose next offset is 100, of which the leader of this epoch took what lies below. */
function laneOf(leaderEpoch: number | null): Lane {
  const lane = new Lane(
    0,
    () => Promise.reject(new Error("nothing lands")),
    () => undefined,
  );
  lane.begin({
    nextOffset: 100,
    parked: 0,
    landmark: undefined,
    rewinds: 0,
    claims: 1,
    topicId: null,
    leaderEpoch,
    end: 110,
  });
  return lane;
}

function fetched(from: number, leaderEpochs: readonly LeaderEpoch[]): FetchedBatch {
  const at = { topicName: "ticks", partition: 0, fetchedOffset: from, nextOffset: 110, logEnd: 110 };
  return new FetchedBatch(at, bufferedRecords([]), 110 - from, { leaderEpochs });
}

describe("another leader took a batch than what lies before it", () => {
  it.each<[string, number | null, number, LeaderEpoch[], boolean]>([
    ["where its first batch is of a later one", 5, 100, [{ from: 100, epoch: 6 }], true],
    ["where its first batch is of an earlier one, as of a topic made again", 5, 100, [{ from: 100, epoch: 0 }], true],
    [
      "where the later one begins at the lane's tail, behind the landmark",
      5,
      99,
      [
        { from: 90, epoch: 5 },
        { from: 100, epoch: 6 },
      ],
      true,
    ],
    [
      "not where the later one follows within it",
      5,
      100,
      [
        { from: 90, epoch: 5 },
        { from: 105, epoch: 6 },
      ],
      false,
    ],
    ["not where it is the same one", 5, 100, [{ from: 90, epoch: 5 }], false],
    ["not where nobody noted who took what landed", null, 100, [{ from: 90, epoch: 5 }], false],
    ["not where the batch doesn't say it", 5, 100, [], false],
  ])("%s", (_, leaderEpoch, from, leaders, expected) => {
    expect(isOfOtherLeader(laneOf(leaderEpoch), fetched(from, leaders))).toBe(expected);
  });
});

describe("a log in which another leader has followed", () => {
  const check = (epochEnd: EpochEnd | undefined) =>
    checkLeader({ plan: { topicName: "ticks" }, epochEndOf: async () => epochEnd }, laneOf(5));

  it.each([
    ["has all that was taken in", { epoch: 5, end: 100 }],
    ["has more of it", { epoch: 5, end: 140 }],
    ["tells nothing of it", undefined],
  ])("goes on where it %s", async (_, end) => {
    await expect(check(end)).resolves.toBeUndefined();
  });

  it.each([
    ["ends that leader's part earlier", { epoch: 5, end: 99 }, "epoch 5 took ends at 99"],
    [
      "has nothing of it",
      { epoch: 4, end: 150 },
      "epoch 5 took is gone, and what lies before it, of epoch 4, ends at 150",
    ],
  ])("is lost history where it %s", async (_, end, message) => {
    const error = { code: "history_lost", message: expect.stringContaining(message) };
    await expect(check(end)).rejects.toMatchObject(error);
  });
});
