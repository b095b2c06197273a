import { expect, it } from "vitest";
import type { GroupParts } from "../../../src/batch/group/group-parts.ts";
import { watchHistory } from "../../../src/batch/group/history.ts";
import { Lane } from "../../../src/batch/group/lane.ts";
import { TradetapeError } from "../../../src/errors.ts";
import { FIRST_LOG } from "../../support/landing.ts";

const GOOD = async () => undefined;

/** A look at a log of [low, high) that takes so long that the lane goes on from 10 to 20 meanwhile. */
async function watchWhere(low: number, high: number, checkTopic: () => Promise<unknown> = GOOD): Promise<void> {
  const lane = new Lane(
    3,
    () => Promise.reject(new Error("nothing lands")),
    () => undefined,
  );
  lane.begin({ ...FIRST_LOG, nextOffset: 10, parked: 0, landmark: undefined });
  const logsOf: GroupParts["logsOf"] = async (landed) => {
    lane.tail = 20;
    const seen = { clusterId: "c", topicId: undefined, epochEnd: undefined };
    return new Map([...landed.keys()].map((partition) => [partition, { ...seen, log: { partition, low, high } }]));
  };
  const outbox = { use: async () => new Map() };
  const plan = { topicName: "ticks", consumer: { landing: { parents: [] } } };
  const parts = { plan, logsOf, outbox, checkTopic } as unknown as GroupParts;
  await watchHistory(parts, new Map([[3, lane]]), () => undefined);
}

it.each([
  ["no end of before the lane went on for a cut", 0, 12],
  ["no record that the lane had passed for a lost one", 15, 25],
])("a look at the log takes %s", async (_, low, high) => {
  await expect(watchWhere(low, high)).resolves.toBeUndefined();
});

it("a look at the log finds a topic that somebody has set otherwise, and passes a broker over that is away", async () => {
  const wrong = new TradetapeError("topic_misconfigured", "message.timestamp.type is CreateTime");
  await expect(watchWhere(0, 20, () => Promise.reject(wrong))).rejects.toBe(wrong);
  const away = new TradetapeError("broker_unreachable", "away", { canRetry: true });
  await expect(watchWhere(0, 20, () => Promise.reject(away))).resolves.toBeUndefined();
});

it.each([
  ["begins later", 21, 30, "--accept-loss ticks/3:20..21"],
  ["ends earlier", 0, 9, "`tradetape rewind ticks --reason WHY`"],
])("of a log that %s the error names a way on that there is", async (_, low, high, way) => {
  await expect(watchWhere(low, high)).rejects.toMatchObject({ next: expect.stringContaining(way) });
});

it.each([
  ["begins beyond where the lane is now", 21, 30, "expected offset 20 next, the log begins at 21"],
  ["ended before where the lane was then", 0, 9, "expected offset 10 next, the log ends at 9"],
])("a look at a log that %s is a lost history", async (_, low, high, message) => {
  await expect(watchWhere(low, high)).rejects.toMatchObject({ code: "history_lost", message: `ticks/3: ${message}` });
});

it("a look at a topic's logs is one question for all partitions that are there, and none where none is", async () => {
  const lanes = [0, 1, 2].map((partition) => {
    const lane = new Lane(
      partition,
      () => Promise.reject(new Error("nothing lands")),
      () => undefined,
    );
    if (partition < 2) lane.begin({ ...FIRST_LOG, nextOffset: 10, parked: 0, landmark: undefined });
    return [partition, lane] as const;
  });
  const asked: number[][] = [];
  const logsOf: GroupParts["logsOf"] = async (landed) => {
    asked.push([...landed.keys()]);
    return new Map();
  };
  const plan = { topicName: "ticks", consumer: { landing: { parents: [] } } };
  const parts = { plan, logsOf, outbox: { use: async () => new Map() }, checkTopic: GOOD } as unknown as GroupParts;
  await watchHistory(parts, new Map(lanes), () => undefined);
  await watchHistory(parts, new Map(lanes.slice(2)), () => undefined);
  expect(asked).toEqual([[0, 1]]);
});
