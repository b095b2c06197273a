import { expect, test } from "vitest";
import { FetchedBatch } from "../../src/topic/fetch/fetched-batch.ts";
import type { LogPlace } from "../../src/topic/offsets.ts";
import { readOnward } from "../../src/topic/read-onward.ts";
import fc from "../support/random/fast-check.ts";
import { bufferedRecords } from "./fetch/buffered-records.ts";

/** Logs of two topics with two partitions each, as the milliseconds between their records. */
const logs = fc.array(fc.array(fc.nat({ max: 3 }), { maxLength: 12 }), { minLength: 4, maxLength: 4 });

interface Read {
  readonly name: string;
  readonly partition: number;
  readonly offset: number;
  readonly publishedAtMs: number;
}

test("records of several topics come by the broker's time, each partition's in their order, all once", async () => {
  const drawn = fc.record({ logs, fetched: fc.integer({ min: 1, max: 5 }), unwanted: fc.integer({ min: 2, max: 4 }) });
  await fc.assert(
    fc.asyncProperty(drawn, async ({ logs: gaps, fetched, unwanted }) => {
      const times = gaps.map((log) => log.map((_, n) => 1 + log.slice(0, n + 1).reduce((sum, gap) => sum + gap, 0)));
      const topicOf = (n: number) => ({ topicName: n < 2 ? "bars" : "ticks", partition: n % 2 });
      const timesOf = ({ topicName, partition }: { topicName: string; partition: number }) =>
        times[(topicName === "bars" ? 0 : 2) + partition]!;
      const fetchRecords = async (from: readonly LogPlace[]) =>
        from.map(({ topicName, partition, offset }) => {
          const all = timesOf({ topicName, partition });
          const some = all.slice(offset, offset + fetched);
          const records = some.map((timeMs, n) => ({ offset: offset + n, timeMs, key: null, value: null }));
          const range = { topicName, partition, fetchedOffset: offset, nextOffset: offset + some.length };
          return new FetchedBatch({ ...range, logEnd: all.length }, bufferedRecords(records), some.length);
        });
      const look = async ({ topicName: name, partition, records }: FetchedBatch): Promise<Read[]> =>
        Array.from({ length: records.count }, (_, n) => {
          return { name, partition, offset: records.offsetOf(n), publishedAtMs: records.publishedAtMs(n) };
        }).filter(({ offset }) => offset % unwanted !== 0);
      const log = { fetchRecords, fetchOffsets: () => Promise.reject(new Error("nothing is gone")) };
      const reading = { log, partitionBytesMax: 1, stop: new AbortController().signal, look };
      const places = times.map((_, n) => ({ ...topicOf(n), offset: 0 }));
      const ends = times.map((own, n) => ({ ...topicOf(n), offset: own.length }));
      const read: Read[] = [];
      const reached = new Map<string, number>();
      for await (const run of readOnward(reading, places, { ends, isFollowing: false, onGone: () => {} })) {
        read.push(...run.seen);
        reached.set(`${run.topicName}/${run.partition}`, run.next);
      }
      expect(read.map(({ publishedAtMs }) => publishedAtMs)).toEqual(
        read.map(({ publishedAtMs }) => publishedAtMs).toSorted((a, b) => a - b),
      );
      for (const end of ends) {
        const own = read.filter(({ name, partition }) => name === end.topicName && partition === end.partition);
        const wanted = Array.from({ length: end.offset }, (_, offset) => offset).filter((n) => n % unwanted !== 0);
        expect(own.map(({ offset }) => offset)).toEqual(wanted);
        expect(reached.get(`${end.topicName}/${end.partition}`) ?? 0).toBe(end.offset);
      }
    }),
  );
});
