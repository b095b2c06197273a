import { expect, it } from "vitest";
import type { FetchedBatch } from "../../src/topic/fetch/fetched-batch.ts";
import { withAdmin } from "../../src/topic/log-client.ts";
import { placesAt } from "../../src/topic/offsets.ts";
import { readNewest, type Seen } from "../../src/topic/read-newest.ts";
import { readOnward } from "../../src/topic/read-onward.ts";
import { type LogBed, produce, text } from "./log-client-bed.ts";
import { visibleCases } from "./visible-records-cases.ts";

const LIMITS = { waitMs: 100, partitionBytesMax: 65_536 };

interface Read extends Seen {
  readonly value: string;
}

/** Reading a log as nobody's group (`fetchRecords`, and what reads by it). */
export function fetchCases({ bedOf }: { bedOf(partitions: number): Promise<LogBed> }): void {
  visibleCases({ bedOf });

  it("come from the offsets that are asked for, with none of what was aborted, and move on behind it", async () => {
    const bed = await bedOf(2);
    await produce(bed, { 0: [..."abc"].map(text), 1: [..."xyz"].map(text) });
    await bed.abort(["aborted"]);
    await produce(bed, { 0: [text("d")] });
    await withAdmin(bed.client, async (admin) => {
      const read: Record<number, string[]> = { 0: [], 1: [] };
      const at = new Map([[0, 1], [1, 2]]); // biome-ignore format: a list
      for (let round = 0; at.get(0) !== 6 || at.get(1) !== 3; round++) {
        expect(round).toBeLessThan(20);
        const batches = await admin.fetchRecords(placesAt(bed.topicName, at), LIMITS);
        for (const { partition, records, fetchedOffset, nextOffset, logEnd } of batches) {
          expect([fetchedOffset, logEnd]).toEqual([at.get(partition), partition === 0 ? 6 : 3]);
          at.set(partition, nextOffset);
          for (let n = 0; n < records.count; n++) read[partition]!.push(String(records.record(n).value));
        }
      }
      expect(read).toEqual({ 0: ["b", "c", "d"], 1: ["z"] });
    });
  });

  it("leave out a partition whose log doesn't hold the offset, and bring the others", async () => {
    const bed = await bedOf(2);
    await produce(bed, { 1: [text("x")] });
    await withAdmin(bed.client, async (admin) => {
      const from = new Map([[0, 5], [1, 0]]); // biome-ignore format: a list
      const found = await admin.fetchRecords(placesAt(bed.topicName, from), LIMITS);
      expect(found.map(({ partition, records }) => [partition, records.count])).toEqual([[1, 1]]);
      const missing = admin.fetchRecords(placesAt(`${bed.topicName}-nowhere`, new Map([[0, 0]])), LIMITS);
      await expect(missing).rejects.toMatchObject({ code: "topic_missing" });
    });
  });

  mergedCases({ bedOf });
}

function mergedCases({ bedOf }: { bedOf(partitions: number): Promise<LogBed> }): void {
  it("are read back from the end, and onward, in the order of all partitions", async () => {
    const bed = await bedOf(1);
    const topicName = `${bed.topicName}-stamped`;
    await withAdmin(bed.client, async (admin) => {
      await admin.createTopics([{ topicName, partitions: 3, settings: { "message.timestamp.type": "LogAppendTime" } }]);
      await expect.poll(async () => (await admin.fetchTopics()).get(topicName)?.isReady).toBe(true);
      // More of the first partition than one fetch brings, and before some of the others.
      const partitions = [0, 1, 0, 0, 0, 0, 0, 2, 1, 2];
      for (const [n, partition] of partitions.entries())
        await produce(bed, { [partition]: [text("abcdefghij"[n]!)] }, topicName);
      const reading = {
        log: admin,
        topicName,
        partitionBytesMax: 1,
        stop: new AbortController().signal,
        look: async (batch: FetchedBatch) => readOf(batch).filter(({ value }) => value !== "i"),
      };
      const ends = await admin.fetchOffsets(topicName);
      const highs = new Map(ends.map(({ partition, high }) => [partition, high]));
      const lows = placesAt(topicName, new Map(ends.map(({ partition, low }) => [partition, low])));
      const onward: Read[] = [];
      const reached = new Map<number, number>();
      const options = { ends: placesAt(topicName, highs), isFollowing: false, onGone: () => {} };
      for await (const { seen, partition, next } of readOnward(reading, lows, options)) {
        onward.push(...seen);
        reached.set(partition, next);
      }
      expect(reached).toEqual(highs);
      expect(onward.map(({ value }) => value).sort().join("")).toBe("abcdefghj"); // biome-ignore format: one chain
      const times = onward.map(({ publishedAtMs }) => publishedAtMs);
      expect([times.every((ms) => ms > 0), times]).toEqual([true, times.toSorted((a, b) => a - b)]);
      const newest = await readNewest(reading, ends, 4);
      expect(newest.map(({ publishedAtMs }) => publishedAtMs)).toEqual(times.toReversed().slice(0, 4));
    });
  });
}

const readOf = ({ partition, records }: FetchedBatch): Read[] =>
  Array.from({ length: records.count }, (_, n) => ({
    partition,
    offset: records.offsetOf(n),
    publishedAtMs: records.publishedAtMs(n),
    value: String(records.record(n).value),
  }));
