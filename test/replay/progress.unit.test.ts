import { expect, it } from "vitest";
import type { ReplayPlan } from "../../src/replay/replay-plan.ts";
import { progressOf } from "../../src/replay/watch.ts";

const range = (partition: number, start: number, end: number) => ({ partition, start, end, logStart: 0, logEnd: end });
const plan: Pick<ReplayPlan, "topics"> = {
  topics: [{ topic: "ticks", name: "paper.ticks", partitions: [range(0, 10, 30), range(1, 0, 5)] }],
};

it.each([
  ["nothing, where no partition was claimed", {}, 0],
  ["nothing, of a partition that stands at its beginning", { "paper.ticks/0": 10 }, 0],
  ["what has landed of each partition", { "paper.ticks/0": 25, "paper.ticks/1": 2 }, 17],
  ["no more than was planned, where later events have landed", { "paper.ticks/0": 99, "paper.ticks/1": 99 }, 25],
  ["nothing, where another namespace's topic has landed", { "ticks/0": 25, "live.ticks/1": 5 }, 0],
])("a replay's progress is %s", (_, next, done) => {
  expect(progressOf(plan, new Map(Object.entries(next)))).toEqual([{ topic: "ticks", done, total: 25 }]);
});
