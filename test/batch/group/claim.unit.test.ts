import { describe, expect, it } from "vitest";
import { claim } from "../../../src/batch/group/claim.ts";
import { Lane } from "../../../src/batch/group/lane.ts";
import { Patience } from "../../../src/batch/patience.ts";
import { openLog } from "../../../src/log.ts";
import type { Connection } from "../../../src/table/connection.ts";
import type { EpochEnd } from "../../../src/topic/offsets.ts";

const NEXT_OFFSET = 20;
const LANDED = {
  nextOffset: NEXT_OFFSET,
  origin: 0,
  clusterId: "c",
  lastOffset: 19,
  lastDigest: Buffer.alloc(32),
  topicId: "t",
  leaderEpoch: 5,
  rewinds: 1,
  claims: 7,
  n: 0,
};

interface Answers {
  /** Where the log ends, one after the other. */
  readonly highs: number[];
  readonly topicId?: string;
  /** Where the landed leader's part ends. */
  readonly epochEnd?: EpochEnd;
  /** Whether the partition is still the group's when it is claimed. */
  readonly isCurrent?: boolean;
}

/** A claim of a partition whose next offset is 20. @returns the lane as it began, and where Kafka was sent */
async function claimWhere({ highs, topicId = "t", epochEnd = { epoch: 5, end: 20 }, isCurrent = true }: Answers) {
  const logOf = async (partition: number) => ({
    log: { partition, low: 0, high: highs.shift()! },
    clusterId: "c",
    topicId,
  });
  const epochEndOf = async () => epochEnd;
  let asked = 0;
  const query = async () => {
    asked++;
    return [LANDED];
  };
  const session = { query } as unknown as Connection;
  const landing = { use: (work: (c: Connection) => Promise<unknown>) => work(session) };
  const sought: number[] = [];
  const member = { seek: (_: unknown, offset: number) => sought.push(offset) };
  const lockWatch = { run: (_: Connection, work: () => Promise<unknown>) => work() };
  const patience = new Patience(openLog({ logLevel: "silent" }), new AbortController().signal);
  const lane = new Lane(
    3,
    () => Promise.reject(new Error("nothing lands")),
    () => undefined,
  );
  const parts = { plan: { topicName: "ticks" }, logOf, epochEndOf, landing, member, lockWatch, patience };
  await claim(parts as unknown as Parameters<typeof claim>[0], lane, () => isCurrent);
  const { nextOffset, tail, leaderEpoch } = lane;
  return { ...lane.claim, nextOffset, tail, leaderEpoch, sought, asked };
}

describe("claiming a partition", () => {
  it("takes no log for cut that another owner landed from since its end was asked for", async () => {
    await expect(claimWhere({ highs: [10, 25] })).resolves.toMatchObject({ nextOffset: NEXT_OFFSET });
  });

  it("has the lane begin at the database's offset, and Kafka deliver the record below it once more", async () => {
    await expect(claimWhere({ highs: [20] })).resolves.toMatchObject({ tail: NEXT_OFFSET, sought: [19] });
  });

  it("leaves a lane alone whose partition was assigned anew meanwhile, and claims nothing of it", async () => {
    const { tail, sought, asked } = await claimWhere({ highs: [20], isCurrent: false });
    expect([tail, sought, asked]).toEqual([undefined, [], 0]);
  });

  it("stops where the log ends before what has landed, also when asked again", async () => {
    await expect(claimWhere({ highs: [10, 10] })).rejects.toMatchObject({
      code: "history_lost",
      message: "ticks/3: expected offset 20 next, the log ends at 10",
    });
  });

  it("tells which log landed: how often it was rewound and claimed, the topic, and the epoch of what lies below", async () => {
    const log = { rewinds: 1, claims: 7, topicId: "t", leaderEpoch: 5 };
    await expect(claimWhere({ highs: [20] })).resolves.toMatchObject(log);
  });

  it.each([
    ["was made again, though it is as long", { highs: [25], topicId: "u" }, "the topic was made again"],
    [
      "was cut, though it has grown beyond",
      { highs: [25], epochEnd: { epoch: 5, end: 12 } },
      "epoch 5 took ends at 12",
    ],
    ["lost a leader's part, though it has grown beyond", { highs: [25], epochEnd: { epoch: 4, end: 24 } }, "is gone"],
  ])("stops where the log %s", async (_, answers, message) => {
    await expect(claimWhere(answers)).rejects.toMatchObject({
      code: "history_lost",
      message: expect.stringContaining(message),
      next: expect.stringContaining("`tradetape rewind ticks --reason WHY`"),
    });
  });
});
