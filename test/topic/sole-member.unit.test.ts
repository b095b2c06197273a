import { describe, expect, it } from "vitest";
import { FetchedBatch } from "../../src/topic/fetch/fetched-batch.ts";
import type { LogClient, LogMember, MemberHandlers, MemberOptions } from "../../src/topic/log-client.ts";
import { SoleMember } from "../../src/topic/sole-member.ts";
import { heldRecords } from "./fetch/held-records.ts";

/** The reader of ticks, and the member beneath it as the test plays it. */
async function started(onOwned: () => Promise<void> = async () => {}) {
  const heard: string[] = [];
  const asked: MemberOptions[] = [];
  let handlers: MemberHandlers | undefined;
  const member: Pick<LogMember, "start"> = {
    start: async (given) => {
      handlers = given;
    },
  };
  const client: Pick<LogClient, "member"> = {
    member: (options) => {
      asked.push(options);
      return member as LogMember;
    },
  };
  const options = { groupId: "g", topicNames: ["ticks"], fetchPartitionBytesMax: 1024, sessionTimeoutMs: 6000 };
  await new SoleMember(client as LogClient, options).start({
    onOwned: () => {
      heard.push("owned");
      return onOwned();
    },
    onLost: () => heard.push("lost"),
    onBatch: async ({ fetchedOffset }) => void heard.push(`batch at ${fetchedOffset}`),
    onCrash: (error) => heard.push(`crash: ${(error as Error).message}`),
  });
  const take = (fetchedOffset: number, isStale = false) => {
    const range = { topicName: "ticks", partition: 0, fetchedOffset, nextOffset: fetchedOffset, logEnd: 9 };
    const batch = new FetchedBatch(range, heldRecords([]), 0);
    return handlers!.onBatch(
      batch,
      async () => {},
      () => isStale,
    );
  };
  const assign = (...partitions: number[]) =>
    handlers!.onAssigned(partitions.map((partition) => ({ topicName: "ticks", partition })));
  return { heard, asked, take, assign, leave: () => handlers!.onLeft() };
}

describe("the one reader of some topics", () => {
  it("asks for all partitions of its topics", async () => {
    expect((await started()).asked).toMatchObject([{ topicNames: ["ticks"], assignment: "sole" }]);
  });

  it("owns everything from the first assignment on, also through rebalances that leave it everything", async () => {
    const { heard, assign } = await started();
    assign(0, 1);
    assign(0, 1);
    expect(heard).toEqual(["owned"]);
  });

  it("loses everything to another, once, and begins anew where it comes back", async () => {
    const { heard, assign } = await started();
    assign();
    assign(0, 1);
    assign();
    assign();
    assign(0, 1);
    expect(heard).toEqual(["owned", "lost", "owned"]);
  });

  it("begins anew after an outage that it left the group in: another may have read meanwhile", async () => {
    const { heard, assign, leave } = await started();
    leave();
    assign(0, 1);
    leave();
    assign(0, 1);
    expect(heard).toEqual(["owned", "lost", "owned"]);
  });

  it("takes no batch before it has begun, and none that a seek has overtaken", async () => {
    const begun = Promise.withResolvers<void>();
    const { heard, assign, take } = await started(() => begun.promise);
    assign(0);
    const taken = [take(1), take(2, true)];
    await Promise.resolve();
    expect(heard).toEqual(["owned"]);
    begun.resolve();
    await Promise.all(taken);
    expect(heard).toEqual(["owned", "batch at 1"]);
  });

  it("ends where it can't begin", async () => {
    const { heard, assign } = await started(() => Promise.reject(new Error("no marks")));
    assign(0);
    await expect.poll(() => heard).toEqual(["owned", "crash: no marks"]);
  });
});
