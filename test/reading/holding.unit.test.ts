import { describe, expect, test } from "vitest";
import { TradetapeError } from "../../src/errors.ts";
import { openLog } from "../../src/log.ts";
import { GroupShare } from "../../src/reading/group-share.ts";
import { WholeTopics } from "../../src/reading/holding.ts";
import type { LogMember, MemberHandlers } from "../../src/topic/log-client.ts";
import type { LogPlace, Mark } from "../../src/topic/offsets.ts";

const place = (partition: number, offset: number): LogPlace => ({ topicName: "ticks", partition, offset });
const log = openLog({ logLevel: "silent" });

test("a partition that is made later is read from its first record on, and the others go on", async () => {
  const found = [place(0, 7)];
  const looks: (() => void)[] = [];
  const whole = new WholeTopics(
    [place(0, 7)],
    async () => found,
    (_, call) => {
      looks.push(call);
      return () => {};
    },
  );
  const first = (await whole.era())!;
  first.strands[0]!.hand(7);
  looks[0]!();
  found.push(place(1, 0));
  const look = () => {
    looks[0]!();
    return first.over.aborted;
  };
  await expect.poll(look).toBe(true);
  const second = (await whole.era())!;
  expect(second.strands.map(({ partition, next }) => [partition, next])).toEqual([
    [0, 8],
    [1, 0],
  ]);
  await whole.close();
  expect([second.over.aborted, await whole.era()]).toEqual([true, undefined]);
});

/** A member that a test assigns, with the marks of its group. */
async function share(change: { readonly marks?: number[]; readonly onRebalance?: () => void } = {}) {
  const marks = new Map((change.marks ?? []).map((offset, partition) => [partition, offset]));
  let handlers: MemberHandlers | undefined;
  const faults: string[] = [];
  const member: Partial<LogMember> = {
    pause: () => {},
    start: async (given) => {
      handlers = given;
    },
    mark: async (given: readonly Mark[]) => {
      const fault = faults.shift();
      if (fault !== undefined) throw new Error(fault);
      for (const { partition, offset } of given) marks.set(partition, offset);
    },
    stop: async () => {},
  };
  const told: unknown[] = [];
  const parts = {
    groupId: "bots",
    member: member as LogMember,
    admin: {
      fetchMarks: async () => [...marks].map(([partition, offset]) => ({ ...place(partition, offset), note: "" })),
      fetchOffsets: async () => [0, 1, 2].map((partition) => ({ partition, low: 2, high: 9 })),
    },
    begin: [place(0, 9), place(1, 9)],
    log,
    onRebalance: ({ gained, lost }: Record<"gained" | "lost", readonly { partition: number }[]>) => {
      told.push([gained.map(({ partition }) => partition), lost.map(({ partition }) => partition)]);
      change.onRebalance?.();
    },
  };
  const holding = await GroupShare.join(parts);
  const assign = (...partitions: number[]) => handlers!.onAssigned(partitions.map((partition) => place(partition, 0)));
  return { holding, assign, marks, faults, told, handlers: handlers! };
}

const nexts = (era: { readonly strands: readonly LogPlaceLike[] } | undefined) =>
  era!.strands.map(({ partition, next }) => [partition, next]).toSorted();
type LogPlaceLike = { readonly partition: number; readonly next: number };

describe("a member of a group", () => {
  test("begins at the marks, where there is none as it was told to, and in new partitions at the beginning", async () => {
    const { holding, assign, marks } = await share({ marks: [4] });
    assign(0, 1, 2);
    expect(nexts(await holding.era())).toEqual([
      [0, 4],
      [1, 9],
      [2, 2],
    ]);
    expect([...marks]).toEqual([
      [0, 4],
      [1, 9],
      [2, 2],
    ]);
  });

  test("goes on where it is in what it keeps, and has nothing of what it lost acknowledged", async () => {
    const { holding, assign, marks, told } = await share({ marks: [4, 4] });
    assign(0, 1);
    const first = (await holding.era())!;
    for (const strand of first.strands) strand.hand(4);
    assign(0, 2);
    expect(first.over.aborted).toBe(true);
    expect(nexts(await holding.era())).toEqual([
      [0, 5],
      [2, 2],
    ]);
    const acked = await Promise.all(first.strands.map((strand) => strand.ack(4)));
    expect([acked, marks.get(0), marks.get(1)]).toEqual([[true, false], 5, 4]);
    expect(first.strands.map(({ isLost }) => isLost)).toEqual([false, true]);
    expect(told).toEqual([
      [[0, 1], []],
      [[2], [1]],
    ]);
  });

  test("that Kafka had forgotten has nothing, and begins at the marks when it is back", async () => {
    const { holding, assign, handlers } = await share({ marks: [4] });
    assign(0);
    const first = (await holding.era())!;
    first.strands[0]!.hand(4);
    handlers.onLeft();
    expect(await first.strands[0]!.ack(4)).toBe(false);
    assign(0);
    expect(nexts(await holding.era())).toEqual([[0, 4]]);
  });

  test("writes a mark again that a rebalance kept from being written", async () => {
    const { holding, assign, marks, faults } = await share({ marks: [4] });
    assign(0);
    const [strand] = (await holding.era())!.strands;
    strand!.hand(4);
    faults.push("the group is joining again");
    expect([await strand!.ack(4), marks.get(0)]).toEqual([true, 5]);
  });

  test.each([
    [
      "a mark behind the log's end",
      async () => {
        const { holding, assign } = await share({ marks: [10] });
        assign(0);
        return holding;
      },
      "history_lost",
    ],
    [
      "a group that ended",
      async () => {
        const { holding, handlers } = await share();
        handlers.onCrash(new TradetapeError("group_crashed", "gone"));
        return holding;
      },
      "group_crashed",
    ],
    [
      "a bug in onRebalance",
      async () => {
        const { holding, assign } = await share({ onRebalance: () => JSON.parse("{") });
        assign(0);
        return holding;
      },
      undefined,
    ],
  ] as const)("%s ends the reading", async (_, begin, code) => {
    const holding = await begin();
    const error = await holding.era().then(
      () => undefined,
      (cause: unknown) => cause,
    );
    expect([error instanceof Error, (error as { code?: string }).code]).toEqual([true, code]);
    await holding.close();
  });
});
