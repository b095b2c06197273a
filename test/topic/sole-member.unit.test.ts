import { describe, expect, it } from "vitest";
import { TradetapeError } from "../../src/errors.ts";
import { FetchedBatch } from "../../src/topic/fetch/fetched-batch.ts";
import type { LogClient, LogMember, MemberHandlers, MemberOptions } from "../../src/topic/log-client.ts";
import { SoleMember } from "../../src/topic/sole-member.ts";
import { bufferedRecords } from "./fetch/buffered-records.ts";

/** The reader of ticks, and the member beneath it as the test plays it. */
async function started(onOwned: (lost: AbortSignal) => Promise<void> = async () => {}) {
  const heard: string[] = [];
  const asked: MemberOptions[] = [];
  let handlers: MemberHandlers | undefined;
  const member: Pick<LogMember, "start" | "stop"> = {
    start: async (given) => {
      handlers = given;
    },
    stop: async () => {},
  };
  const client: Pick<LogClient, "member"> = {
    member: (options) => {
      asked.push(options);
      return member as LogMember;
    },
  };
  const options = { groupId: "g", topicNames: ["ticks"], fetchPartitionBytesMax: 1024, sessionTimeoutMs: 6000 };
  const clock = { sleep: () => new Promise<void>((resolve) => setImmediate(resolve)) };
  const sole = new SoleMember(client as LogClient, options, clock);
  await sole.start({
    onOwned: (lost) => {
      heard.push("owned");
      return onOwned(lost);
    },
    onLost: () => heard.push("lost"),
    onBatch: async ({ fetchedOffset }) => void heard.push(`batch at ${fetchedOffset}`),
    onCrash: (error) => heard.push(`crash: ${(error as Error).message}`),
  });
  const take = (fetchedOffset: number, isStale = false) => {
    const range = { topicName: "ticks", partition: 0, fetchedOffset, nextOffset: fetchedOffset, logEnd: 9 };
    const batch = new FetchedBatch(range, bufferedRecords([]), 0);
    return handlers!.onBatch(
      batch,
      async () => {},
      () => isStale,
    );
  };
  const assign = (...partitions: number[]) =>
    handlers!.onAssigned(partitions.map((partition) => ({ topicName: "ticks", partition })));
  return { heard, asked, take, assign, leave: () => handlers!.onLeft(), stop: () => sole.stop() };
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

  it("begins anew where a topic has more partitions than before: where to read these is to be said, too", async () => {
    const { heard, assign } = await started();
    assign(0, 1);
    assign(1, 0, 2);
    assign(0, 2, 1);
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

  it("begins again while the broker is away, and takes batches once it has begun", async () => {
    let failures = 3;
    const away = new TradetapeError("broker_unreachable", "no leader yet", { canRetry: true });
    const { heard, assign, take } = await started(async () => {
      if (failures-- > 0) throw away;
    });
    assign(0);
    await take(7);
    expect(heard).toEqual(["owned", "owned", "owned", "owned", "batch at 7"]);
  });

  it.each(["loses everything", "is stopped"])("begins no more once it %s", async (how) => {
    const begun = Promise.withResolvers<void>();
    let lost: AbortSignal | undefined;
    const { heard, assign, leave, stop } = await started((signal) => {
      lost = signal;
      return begun.promise;
    });
    assign(0);
    expect(lost!.aborted).toBe(false);
    if (how === "is stopped") await stop();
    else leave();
    expect(lost!.aborted).toBe(true);
    begun.reject(new TradetapeError("broker_unreachable", "no leader yet", { canRetry: true }));
    await new Promise((resolve) => setImmediate(resolve));
    expect(heard.filter((what) => what !== "lost")).toEqual(["owned"]);
  });

  it("ends where it can't begin", async () => {
    const { heard, assign } = await started(() => Promise.reject(new Error("no marks")));
    assign(0);
    await expect.poll(() => heard).toEqual(["owned", "crash: no marks"]);
  });
});
