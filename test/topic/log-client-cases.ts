import { afterEach, describe, expect, it } from "vitest";
import { type LogMember, withAdmin } from "../../src/topic/log-client.ts";
import type { Mark } from "../../src/topic/offsets.ts";
import { fetchCases } from "./fetch-records-cases.ts";
import { join, type LogBed, produce, text, type Written } from "./log-client-bed.ts";
import { historyCases } from "./log-history-cases.ts";
import { rangeCases } from "./read-ranges-cases.ts";

/** Makes beds and members of a case, and cleans up behind it. */
interface Hands {
  bedOf(partitions: number): Promise<LogBed>;
  joined(...given: Parameters<typeof join>): ReturnType<typeof join>;
}

/** Has a member's marks written. Its group may be joining again, since a loaded broker forgets members, and refuses meanwhile. */
async function kept(member: LogMember, marks: readonly Mark[]): Promise<void> {
  const refusal = () => member.mark(marks).then(() => undefined, String);
  await expect.poll(refusal).toBeUndefined();
}

/** The cases of `LogClient`, for whoever implements it. @param open makes a bed whose topic has so many partitions */
export function describeLogClient(name: string, open: (partitions: number) => Promise<LogBed>): void {
  describe(name, () => {
    const beds: LogBed[] = [];
    const members: LogMember[] = [];
    const hands: Hands = {
      async bedOf(partitions) {
        const bed = await open(partitions);
        beds.push(bed);
        return bed;
      },
      async joined(...given) {
        const one = await join(...given);
        members.push(one.member);
        return one;
      },
    };
    afterEach(async () => {
      for (const member of members.splice(0)) await member.stop();
      for (const bed of beds.splice(0)) await bed.close();
    });
    describe("an admin", () => adminCases(hands));
    describe("records", () => recordCases(hands));
    describe("parts of a log", () => rangeCases(hands));
    describe("records by no group", () => fetchCases(hands));
    describe("which log it is", () => historyCases(hands));
    describe("a member", () => steeringCases(hands));
    describe("a member that is to wait", () => haltingCases(hands));
    describe("several topics and groups", () => apartCases(hands));
    describe("a group", () => groupCases(hands));
    describe("members of a group", () => sharingCases(hands));
  });
}

/** What is there, and making topics. */
function adminCases({ bedOf }: Hands): void {
  it("tells what a log holds: its ends, the offset at a time, and whose cluster it is", async () => {
    const bed = await bedOf(2);
    await produce(bed, { 1: [text("a"), text("b")] });
    await withAdmin(bed.client, async (admin) => {
      const offsets = [{ partition: 0, low: 0, high: 0 }, { partition: 1, low: 0, high: 2 }]; // biome-ignore format: a list
      expect(await admin.fetchOffsets(bed.topicName)).toEqual(offsets);
      expect((await admin.fetchOffsetsAt(bed.topicName, 0)).get(1)).toBe(0);
      expect((await admin.fetchOffsetsAt(bed.topicName, Date.now() + 3_600_000)).get(1)).toBe(2);
      const { clusterId, brokers } = await admin.fetchCluster();
      expect([clusterId, brokers > 0]).toEqual([(await admin.fetchCluster()).clusterId, true]);
    });
  });

  it("makes topics with their settings, and leaves one that is there as it is", async () => {
    const bed = await bedOf(1);
    const topicName = `${bed.topicName}-made`;
    const made = (partitions: number, bytes: string) => ({
      topicName,
      partitions,
      settings: { "max.message.bytes": bytes },
    });
    await withAdmin(bed.client, async (admin) => {
      await admin.createTopics([made(3, "2000")]);
      const found = async () => (await admin.fetchTopics()).get(topicName);
      await expect.poll(found).toEqual({ partitions: 3, isReady: true, replicas: 1 });
      await admin.createTopics([made(5, "3000")]);
      expect(await found()).toEqual({ partitions: 3, isReady: true, replicas: 1 });
      expect((await admin.fetchSettings([topicName])).get(topicName)?.get("max.message.bytes")).toBe("2000");
    });
  });

  it("calls a topic that isn't there missing", async () => {
    const bed = await bedOf(1);
    const missing = withAdmin(bed.client, (admin) => admin.fetchOffsets(`${bed.topicName}-nowhere`));
    await expect(missing).rejects.toMatchObject({ code: "topic_missing", canRetry: false });
  });
}

/** What goes in comes out. */
function recordCases({ bedOf, joined }: Hands): void {
  it("brings what was produced, bytes, headers and nulls, in its order and at offsets from 0", async () => {
    const bed = await bedOf(1);
    const sent: Written[] = [
      { key: Buffer.from("k"), value: Buffer.from([0xff, 0]), headers: { a: Buffer.from([0, 1]), b: ["x", "y"] } },
      { key: null, value: null },
      { key: Buffer.alloc(0), value: Buffer.alloc(0) },
    ];
    expect(await produce(bed, { 0: sent })).toEqual(new Map([[0, 0]]));
    expect(await produce(bed, { 0: [text("last")] })).toEqual(new Map([[0, 3]]));
    const { batches, texts } = await joined(bed);
    await expect.poll(() => texts.length).toBe(4);
    const all = batches.flatMap(({ records }) => Array.from({ length: records.count }, (_, n) => records.record(n)));
    const headers = { a: Buffer.from([0, 1]), b: [Buffer.from("x"), Buffer.from("y")] };
    expect(all.map(({ key, value }) => ({ key, value }))).toEqual(
      [...sent, text("last")].map(({ key, value }) => ({ key, value })),
    );
    expect([all[0]!.headers, ...all.slice(1).map((record) => record.headers ?? {})]).toEqual([headers, {}, {}, {}]);
  });

  it("acknowledges by partition, with the first offset that each one's batch got", async () => {
    const bed = await bedOf(3);
    expect(await produce(bed, { 1: [text("a"), text("b")] })).toEqual(new Map([[1, 0]]));
    const both = await produce(bed, { 2: [text("c")], 1: [text("d")] });
    expect(new Map([...both].sort())).toEqual(new Map([[1, 2], [2, 0]])); // biome-ignore format: a map
  });

  it("covers markers and aborted records with its batches, and shows none of them", async () => {
    const bed = await bedOf(1);
    await produce(bed, { 0: [text("a")] });
    await bed.abort(["x", "y"]);
    await produce(bed, { 0: [text("b")] });
    await bed.abort(["z"]);
    const { batches, texts } = await joined(bed);
    await expect.poll(() => batches.at(-1)?.nextOffset).toBe(7);
    expect(texts).toEqual(["0@0 a", "0@4 b"]);
    expect(batches.map(({ missing }) => missing).filter((count) => count > 0)).toEqual([]);
    expect(batches.map(({ fetchedOffset }) => fetchedOffset)).toEqual([
      0,
      ...batches.slice(0, -1).map(({ nextOffset }) => nextOffset),
    ]);
  });
}

/** What a member is told to do, and what it tells. */
function steeringCases({ bedOf, joined }: Hands): void {
  it("begins where a seek from within the assignment says", async () => {
    const bed = await bedOf(1);
    await produce(bed, { 0: ["a", "b", "c", "d"].map(text) });
    const at = { topicName: bed.topicName, partition: 0 };
    const { texts } = await joined(bed, (member) => ({ onAssigned: () => member.seek(at, 2) }));
    await expect.poll(() => texts.length).toBeGreaterThan(1);
    expect(texts).toEqual(["0@2 c", "0@3 d"]);
  });

  it("goes back where a later seek says, and calls what is on its way stale", async () => {
    const bed = await bedOf(1);
    await produce(bed, { 0: ["a", "b"].map(text) });
    const at = { topicName: bed.topicName, partition: 0 };
    const stale: boolean[][] = [];
    const { batches, texts } = await joined(bed, (member) => ({
      onBatch: async (_batch, _heartbeat, isStale) => {
        const before = isStale();
        if (stale.length === 0) member.seek(at, 1);
        stale.push([before, isStale()]);
      },
    }));
    await expect.poll(() => texts).toEqual(["0@0 a", "0@1 b", "0@1 b"]);
    expect(stale).toEqual([
      [false, true],
      [false, false],
    ]);
    expect(batches.at(-1)).toMatchObject({ topicName: bed.topicName, fetchedOffset: 1, nextOffset: 2, logEnd: 2 });
  });
}

/** What a member is told not to do. */
function haltingCases({ bedOf, joined }: Hands): void {
  it("fetches nothing of a partition that is held, and all of it when it is let go", async () => {
    const bed = await bedOf(2);
    const { member, texts, partitions } = await joined(bed);
    await expect.poll(partitions).toEqual([0, 1]);
    await produce(bed, { 0: [text("a")], 1: [text("b")] });
    await expect.poll(() => texts.length).toBe(2);
    member.hold({ topicName: bed.topicName, partition: 0 });
    // Two rounds of the other partition: the fetch that was on its way when it was held has ended with the first.
    await produce(bed, { 1: [text("c")] });
    await expect.poll(() => texts.length).toBe(3);
    await produce(bed, { 0: [text("d")] });
    await produce(bed, { 1: [text("e")] });
    await expect.poll(() => texts.length).toBe(4);
    expect(texts.at(-1)).toBe("1@2 e");
    member.letGo({ topicName: bed.topicName, partition: 0 });
    await expect.poll(() => texts.at(-1)).toBe("0@1 d");
  });

  it("fetches nothing more once it is paused, whatever is held, let go or sought", async () => {
    const bed = await bedOf(2);
    const at = (partition: number) => ({ topicName: bed.topicName, partition });
    const { member, texts, partitions } = await joined(bed);
    const witness = await joined(bed, undefined, { groupId: `${bed.groupId}-witness` });
    await expect.poll(() => [partitions(), witness.partitions()]).toEqual([[0, 1], [0, 1]]); // biome-ignore format: a pair
    member.hold(at(0));
    member.pause();
    const steers = [
      () => member.hold(at(1)),
      () => member.letGo(at(0)),
      () => member.letGo(at(1)),
      () => member.seek(at(1), 0),
      // The fetch that was on its way when the member was paused has ended long before this round.
      () => undefined,
    ];
    for (const [round, steer] of steers.entries()) {
      steer();
      await produce(bed, { 0: [text(`round ${round}`)], 1: [text(`round ${round}`)] });
      await expect.poll(() => witness.texts.length).toBe(2 * round + 2);
    }
    await member.stop();
    expect(texts.filter((one) => one.endsWith("round 4"))).toEqual([]);
  });
}

/** What is one topic's or one group's, and nobody else's. */
function apartCases({ bedOf, joined }: Hands): void {
  it("steers and marks each topic by itself, where a member reads two", async () => {
    const bed = await bedOf(1);
    const other = `${bed.topicName}-other`;
    await withAdmin(bed.client, async (admin) => {
      await admin.createTopics([{ topicName: other, partitions: 1, settings: {} }]);
      await expect.poll(async () => (await admin.fetchTopics()).get(other)?.isReady).toBe(true);
    });
    await produce(bed, { 0: ["a", "b"].map(text) });
    await produce(bed, { 0: ["x", "y", "z"].map(text) }, other);
    const { member, texts } = await joined(
      bed,
      (own) => ({
        onAssigned: () => {
          own.seek({ topicName: bed.topicName, partition: 0 }, 1);
          own.hold({ topicName: other, partition: 0 });
        },
      }),
      { topicNames: [bed.topicName, other] },
    );
    await expect.poll(() => texts).toEqual(["0@1 b"]);
    member.seek({ topicName: other, partition: 0 }, 2);
    await expect.poll(() => texts).toEqual(["0@1 b", "0@2 z"]);
    const marks = [
      { topicName: bed.topicName, partition: 0, offset: 2, note: "b" },
      { topicName: other, partition: 0, offset: 3, note: "z" },
    ];
    await kept(member, marks);
    await withAdmin(bed.client, async (admin) => {
      for (const mark of marks) expect(await admin.fetchMarks(bed.groupId, mark.topicName)).toEqual([mark]);
    });
  });

  it("gives each group all partitions, and marks of its own", async () => {
    const bed = await bedOf(2);
    await produce(bed, { 0: [text("a")], 1: [text("b")] });
    const groupIds = [`${bed.groupId}-1`, `${bed.groupId}-2`];
    const members = await Promise.all(groupIds.map((groupId) => joined(bed, undefined, { groupId })));
    for (const { texts, partitions } of members) {
      await expect.poll(() => [...texts].sort()).toEqual(["0@0 a", "1@0 b"]);
      expect(partitions()).toEqual([0, 1]);
    }
    const mark = { topicName: bed.topicName, partition: 1, offset: 1, note: "first" };
    await kept(members[0]!.member, [mark]);
    await withAdmin(bed.client, async (admin) => {
      const marks = await Promise.all(groupIds.map((groupId) => admin.fetchMarks(groupId, bed.topicName)));
      expect(marks).toEqual([[mark], []]);
    });
  });
}

/** When a group is there, and what it keeps. */
function groupCases({ bedOf, joined }: Hands): void {
  it("does nothing for a member that has no group, and stops it", async () => {
    const bed = await bedOf(1);
    const { topicName, groupId } = bed;
    const options = {
      groupId,
      topicNames: [topicName],
      assignment: "shared",
      fetchPartitionBytesMax: 1,
      sessionTimeoutMs: 6000,
    } as const;
    const member = bed.client.member(options);
    const at = { topicName, partition: 0 };
    member.seek(at, 1);
    member.hold(at);
    member.letGo(at);
    member.pause();
    await expect(member.mark([{ ...at, offset: 1, note: "" }])).rejects.toThrow();
    await member.stop();
  });

  it("ends over an error of its handler, and says which", async () => {
    const bed = await bedOf(1);
    const fault = new Error("history");
    const { crashes } = await joined(bed, () => ({ onBatch: () => Promise.reject(fault) }));
    await produce(bed, { 0: [text("a")] });
    await expect.poll(() => crashes[0]).toBe(fault);
  });

  it("keeps a group's marks and the notes beside them", async () => {
    const bed = await bedOf(2);
    const { member, partitions } = await joined(bed);
    await expect.poll(partitions).toEqual([0, 1]);
    const marks = () => withAdmin(bed.client, (admin) => admin.fetchMarks(bed.groupId, bed.topicName));
    expect(await marks()).toEqual([]);
    const mark = { topicName: bed.topicName, partition: 1, offset: 7, note: "from 3" };
    await kept(member, [mark]);
    expect(await marks()).toEqual([mark]);
  });
}

/** Who has which partition. */
function sharingCases({ bedOf, joined }: Hands): void {
  it("shares partitions between members, and joins again when one comes or leaves", async () => {
    const bed = await bedOf(2);
    const first = await joined(bed);
    await expect.poll(first.partitions).toEqual([0, 1]);
    const second = await joined(bed);
    const both = () => [...(first.partitions() ?? []), ...(second.partitions() ?? [])].sort();
    await expect.poll(() => [first.partitions()?.length, second.partitions()?.length, ...both()]).toEqual([1, 1, 0, 1]);
    await first.member.stop();
    await expect.poll(second.partitions).toEqual([0, 1]);
  });

  it("gives everything to one member where that is asked for, and to the other when it leaves", async () => {
    const bed = await bedOf(2);
    const asked = { assignment: "sole" } as const;
    const all = [await joined(bed, undefined, asked), await joined(bed, undefined, asked)];
    const shares = () => all.map(({ partitions }) => partitions()?.length ?? 0).sort();
    await expect.poll(shares).toEqual([0, 2]);
    const [owner, other] = all[0]!.partitions()!.length > 0 ? all : [...all].reverse();
    await owner!.member.stop();
    await expect.poll(other!.partitions).toEqual([0, 1]);
  });

  it("tells a member that the group had forgotten, and that another stood in for, that it was out of the group", async () => {
    const bed = await bedOf(1);
    await produce(bed, { 0: [text("a")] });
    const asleep = Promise.withResolvers<void>();
    const soon = { sessionTimeoutMs: 6000 };
    const first = await joined(bed, () => ({ onBatch: () => asleep.promise }), soon);
    await expect.poll(first.partitions).toEqual([0]);
    const second = await joined(bed);
    await expect.poll(second.partitions).toEqual([0]);
    expect(first.heard).not.toContain("left");
    asleep.resolve();
    await expect.poll(() => first.heard.slice(first.heard.indexOf("left")).slice(0, 2)).toEqual(["left", "assigned"]);
  });
}
