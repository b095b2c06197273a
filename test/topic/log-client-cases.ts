import { afterEach, describe, expect, it } from "vitest";
import type { FetchedBatch } from "../../src/topic/fetch/fetched-batch.ts";
import { type LogClient, type LogMember, type MemberHandlers, withAdmin } from "../../src/topic/log-client.ts";
import type { TopicPartition } from "../../src/topic/offsets.ts";
import { type RecordHeaders, RecordWriter } from "../../src/topic/wire/record-writer.ts";

/** A cluster with a topic and a group that nobody else uses. */
export interface LogBed {
  readonly client: LogClient;
  readonly topicName: string;
  readonly groupId: string;
  /** Appends records of a transaction to partition 0 and aborts it: they and the marker behind them are nobody's records. */
  abort(values: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

interface Written {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: RecordHeaders;
}

const text = (value: string): Written => ({ key: null, value: Buffer.from(value) });

async function produce(bed: LogBed, records: Readonly<Record<number, readonly Written[]>>) {
  const producer = await bed.client.openProducer();
  const batches = Object.entries(records).map(([partition, list]) => {
    const writer = new RecordWriter(16);
    for (const { key, value, headers } of list) writer.add(key, value, headers);
    return { partition: Number(partition), records: writer };
  });
  const acked = await producer.produce(bed.topicName, batches);
  await producer.close();
  return acked;
}

/** A member that notes what it is told; `texts` are the values of all records, as "partition@offset value". */
async function join(
  bed: LogBed,
  change: (member: LogMember) => Partial<MemberHandlers> = () => ({}),
  assignment: "shared" | "sole" = "shared",
) {
  const { topicName, groupId } = bed;
  const options = {
    groupId,
    topicNames: [topicName],
    assignment,
    fetchPartitionBytesMax: 65_536,
    sessionTimeoutMs: 6000,
  };
  const member = bed.client.member(options);
  const { onAssigned, onBatch } = change(member);
  const batches: FetchedBatch[] = [];
  const texts: string[] = [];
  const crashes: unknown[] = [];
  let assigned: readonly TopicPartition[] | undefined;
  await member.start({
    onAssigned: (partitions) => {
      assigned = partitions;
      onAssigned?.(partitions);
    },
    onLeft: () => undefined,
    onBatch: async (batch, heartbeat, isStale) => {
      await onBatch?.(batch, heartbeat, isStale);
      batches.push(batch);
      for (let index = 0; index < batch.records.count; index++)
        texts.push(`${batch.partition}@${batch.records.offsetOf(index)} ${batch.records.record(index).value}`);
    },
    onCrash: (error) => crashes.push(error),
  });
  return { member, batches, texts, crashes, partitions: () => assigned?.map(({ partition }) => partition).sort() };
}

/** Makes beds and members of a case, and cleans up behind it. */
interface Hands {
  bedOf(partitions: number): Promise<LogBed>;
  joined(...given: Parameters<typeof join>): ReturnType<typeof join>;
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
    describe("a member", () => steeringCases(hands));
    describe("a group", () => groupCases(hands));
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
      await expect.poll(found).toEqual({ partitions: 3, isReady: true });
      await admin.createTopics([made(5, "3000")]);
      expect(await found()).toEqual({ partitions: 3, isReady: true });
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
}

/** Who has which partition, and what the group keeps. */
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
    await member.mark([mark]);
    expect(await marks()).toEqual([mark]);
  });

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
    const all = [await joined(bed, undefined, "sole"), await joined(bed, undefined, "sole")];
    const shares = () => all.map(({ partitions }) => partitions()?.length ?? 0).sort();
    await expect.poll(shares).toEqual([0, 2]);
    const [owner, other] = all[0]!.partitions()!.length > 0 ? all : [...all].reverse();
    await owner!.member.stop();
    await expect.poll(other!.partitions).toEqual([0, 1]);
  });
}
