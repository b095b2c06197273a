import { pino } from "pino";
import { expect, test } from "vitest";
import type { Lane } from "../../../src/batch/group/lane.ts";
import { OffsetHints } from "../../../src/batch/group/offset-hints.ts";
import type { LogMember } from "../../../src/topic/log-client.ts";
import type { Mark } from "../../../src/topic/offsets.ts";

const TOPIC = "paper.ticks";

/** The hints of two partitions; `isAway` has the group refuse marks. */
function setUp(publishes = true) {
  const world = { note: "beat 1", isAway: false, marks: [] as string[] };
  const mark = async (marks: readonly Mark[]) => {
    if (world.isAway) throw new Error("a rebalance");
    world.marks.push(...marks.map(({ partition, offset, note }) => `${partition}@${offset} ${note}`));
  };
  const log = pino({ level: "silent" });
  const hints = new OffsetHints(
    { mark } as unknown as LogMember,
    { topicName: TOPIC, publishes },
    log,
    () => world.note,
  );
  const write = async (...nextOffsets: readonly number[]) => {
    world.marks = [];
    await hints.write(nextOffsets.map((nextOffset, partition) => ({ partition, nextOffset }) as Lane));
    return world.marks;
  };
  return { world, write };
}

test("an offset is marked when it or the note is another than before, and not while nothing has landed", async () => {
  const { world, write } = setUp();
  expect(await write(0, 5)).toEqual(["1@5 beat 1"]);
  expect(await write(0, 5)).toEqual([]);
  expect(await write(2, 5)).toEqual(["0@2 beat 1"]);
  world.note = "beat 2";
  expect(await write(2, 5)).toEqual(["0@2 beat 2", "1@5 beat 2"]);
});

test("what the group refused is marked the next time", async () => {
  const { world, write } = setUp();
  world.isAway = true;
  expect(await write(3)).toEqual([]);
  world.isAway = false;
  expect(await write(3)).toEqual(["0@3 beat 1"]);
});

test("a replay's group marks nothing", async () => {
  expect(await setUp(false).write(3)).toEqual([]);
});
