import { expect, test } from "vitest";
import { readConfig } from "../../src/config.ts";
import { encodeEvent } from "../../src/event/codec.ts";
import type { Registry } from "../../src/event/registry.ts";
import { openLog } from "../../src/log.ts";
import type { Program } from "../../src/stream/program.ts";
import { runProgram } from "../../src/stream/run.ts";
import { FetchedBatch } from "../../src/topic/fetch/fetched-batch.ts";
import type { LogAdmin, LogClient, LogMember, MemberHandlers } from "../../src/topic/log-client.ts";
import type { Mark } from "../../src/topic/offsets.ts";
import { OWN_WRITERS } from "../event/avro-types.ts";
import { fill, NOON } from "../support/samples.ts";
import { bufferedRecords } from "../topic/fetch/buffered-records.ts";

const SCHEMA_ID = 7;
const HIGH = 4;
const AT = { topicName: "fills", partition: 0 };
const registry: Registry = {
  register: () => Promise.reject(new Error("nothing is registered here")),
  fetch: () => Promise.reject(new Error("every schema is known here")),
  writer: () => OWN_WRITERS.fill,
  isStale: () => false,
};

/** Publishes a draft for each fill, and rests on all fills from the first one on. */
const echo: Program = {
  name: "echo",
  reads: ["fills"],
  publishes: ["fills"],
  snapshot: null,
  open: () => ({
    take: (record) => (record.topic === "fills" ? [{ topic: "fills", event: record.event, headers: {} }] : []),
  }),
};

/** A run of `echo` on a log of HIGH fills; the test plays the member beneath it. */
function started(marks: readonly Mark[], publish: () => Promise<void> = async () => {}) {
  let handlers: MemberHandlers | undefined;
  const kept = { marks, leavesAtMark: false };
  const seeks: number[] = [];
  let published = 0;
  const member: LogMember = {
    start: async (given) => {
      handlers = given;
      given.onAssigned([AT]);
    },
    seek: (_at, offset) => void seeks.push(offset),
    hold: () => {},
    letGo: () => {},
    pause: () => {},
    mark: async (written) => {
      kept.marks = written;
      if (kept.leavesAtMark) handlers!.onLeft();
      kept.leavesAtMark = false;
    },
    stop: async () => {},
  };
  const admin: Partial<LogAdmin> = {
    fetchMarks: async () => kept.marks,
    fetchOffsets: async () => [{ partition: 0, low: 0, high: HIGH }],
    close: async () => {},
  };
  const client: Partial<LogClient> = { openAdmin: async () => admin as LogAdmin, member: () => member };
  const config = readConfig({ namespace: "" }, {});
  const services = {
    client: client as LogClient,
    registry,
    config,
    log: openLog({ logLevel: "silent" }),
    publish: async () => {
      await publish();
      published++;
    },
  };
  const stop = new AbortController();
  const ended = runProgram(services, echo, { name: "one", caughtUpWith: Promise.resolve(), stop: stop.signal });
  const take = (from: number, to: number, heartbeat = async () => {}) => {
    const fills = Array.from({ length: to - from }, (_, n) => from + n).map((offset) => ({
      offset,
      timeMs: NOON / 1000,
      key: null,
      value: encodeEvent("fills", SCHEMA_ID, fill(offset)),
    }));
    const range = { ...AT, fetchedOffset: from, nextOffset: to, logEnd: HIGH };
    const batch = new FetchedBatch(range, bufferedRecords(fills), to - from);
    return handlers!.onBatch(batch, heartbeat, () => false);
  };
  const rejoin = () => {
    handlers!.onLeft();
    handlers!.onAssigned([AT]);
  };
  return { ended, take, rejoin, seeks, kept, count: () => published };
}

const mark = (offset: number): Mark => ({ ...AT, offset, note: "0" });

test("a program publishes what follows from all that its topics held, and then marks it", async () => {
  const { ended, take, kept, count } = started([]);
  await take(0, 3);
  await take(3, 4);
  expect(await ended).toMatchObject({ read: 4, published: 4 });
  expect([count(), kept.marks]).toEqual([4, [mark(4)]]);
});

test("a program that is started again is shown what it rests on, and publishes only what lies behind its mark", async () => {
  const { ended, take, seeks, count } = started([mark(3)]);
  await take(0, 3);
  await take(3, 4);
  expect(await ended).toMatchObject({ read: 1, published: 1 });
  expect([seeks, count()]).toEqual([[0, 3], 1]);
});

test("a program that was out of its group begins anew at the mark that another has set meanwhile", async () => {
  const { ended, take, rejoin, seeks, kept, count } = started([]);
  await take(0, 2);
  kept.marks = [mark(3)];
  rejoin();
  await take(0, 3);
  await take(3, 4);
  await ended;
  // Fill 2 is the other's.
  expect([seeks, count(), kept.marks]).toEqual([[0, 0, 0, 3], 3, [mark(4)]]);
});

test("a program that is put out of its group while it marks goes on when it has joined again", async () => {
  const { ended, take, rejoin, kept, count } = started([]);
  // Its first mark is set when it has opened.
  kept.leavesAtMark = true;
  await expect.poll(() => kept.leavesAtMark).toBe(false);
  rejoin();
  await take(0, 4);
  expect(await ended).toMatchObject({ read: 4, published: 4 });
  expect([count(), kept.marks]).toEqual([4, [mark(4)]]);
});

test("a program whose heartbeat tells of a rebalance goes on, and throws that when all that follows is published", async () => {
  const { ended, take, count } = started([]);
  const rebalance = new Error("the group is rebalancing");
  await expect(take(0, 3, () => Promise.reject(rebalance))).rejects.toBe(rebalance);
  expect(count()).toBe(3);
  // Kafka gives again what its member threw over.
  await take(0, 3);
  await take(3, 4);
  expect(await ended).toMatchObject({ read: 4, published: 4 });
  expect(count()).toBe(4);
});

test("a program that can't publish ends, and marks nothing of what it couldn't", async () => {
  const { ended, take, kept } = started([], () => Promise.reject(new Error("refused")));
  await Promise.allSettled([take(0, 4)]);
  await expect(ended).rejects.toThrow("refused");
  expect(kept.marks).toEqual([mark(0)]);
});
