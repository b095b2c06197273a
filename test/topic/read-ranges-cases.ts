import { expect, it } from "vitest";
import { readRanges } from "../../src/topic/read-ranges.ts";
import { type LogBed, produce, text } from "./log-client-bed.ts";

/** Reading parts of a log once (`readRanges`). */
export function rangeCases({ bedOf }: { bedOf(partitions: number): Promise<LogBed> }): void {
  it("are read once, in the order of each partition's offsets, and nothing beside them", async () => {
    const bed = await bedOf(3);
    const values = (letters: string) => [...letters].map(text);
    await produce(bed, { 0: values("abc"), 1: values("xyz"), 2: values("nothing") });
    await produce(bed, { 0: values("defg") });
    await bed.abort(["aborted"]);
    await produce(bed, { 0: values("h"), 1: values("!") });
    const ranges = [
      { partition: 0, from: 1, to: 2 },
      { partition: 0, from: 2, to: 5 },
      { partition: 0, from: 6, to: 10 },
      { partition: 1, from: 0, to: 3 },
    ];
    const read: string[] = [];
    const options = { fetchPartitionBytesMax: 65_536, sessionTimeoutMs: 6000 };
    await readRanges(bed.client, bed.topicName, ranges, options, async ({ records }, { partition, from, to }) => {
      for (let index = 0; index < records.count; index++) {
        const offset = records.offsetOf(index);
        if (offset >= from && offset < to) read.push(`${partition}@${offset} ${records.record(index).value}`);
      }
      return to;
    });
    // Offsets 7 and 8 of the first partition are an aborted record and its marker.
    const ofFirst = ["0@1 b", "0@2 c", "0@3 d", "0@4 e", "0@6 g", "0@9 h"];
    expect(read.filter((one) => one.startsWith("0"))).toEqual(ofFirst);
    expect(read.filter((one) => !one.startsWith("0"))).toEqual(["1@0 x", "1@1 y", "1@2 z"]);
  });
  it("may be taken bit by bit, each once, and left before their ends", async () => {
    const bed = await bedOf(1);
    await produce(bed, { 0: [..."abcdef"].map(text) });
    const limits = { fetchPartitionBytesMax: 65_536, sessionTimeoutMs: 6000 };
    const ranges = [{ partition: 0, from: 1, to: 6 }];
    const taken = async (stopAt: number) => {
      const stop = new AbortController();
      const offsets: number[] = [];
      await readRanges(bed.client, bed.topicName, ranges, { ...limits, stop: stop.signal }, async (_, { from }) => {
        offsets.push(from);
        if (from === stopAt) stop.abort();
        return from + 1;
      });
      return offsets;
    };
    expect(await taken(-1)).toEqual([1, 2, 3, 4, 5]);
    expect(await taken(3)).toEqual([1, 2, 3]);
  });
  it("end also where the group forgets the reader behind the last of them", async () => {
    const bed = await bedOf(2);
    await produce(bed, { 0: [..."ab"].map(text), 1: [text("c")] });
    const options = { fetchPartitionBytesMax: 65_536, sessionTimeoutMs: 6000 };
    const ranges = [0, 1].map((partition) => ({ partition, from: 0, to: 2 - partition }));
    const read: string[] = [];
    await readRanges(bed.client, bed.topicName, ranges, options, async (_, { partition, from, to }) => {
      read.push(`${partition}@${from} to ${to}`);
      await bed.outstay();
      return to;
    });
    expect(read.sort()).toEqual(["0@0 to 2", "1@0 to 1"]);
  });
  it("that can't be taken end the reading with the error", async () => {
    const bed = await bedOf(1);
    await produce(bed, { 0: [text("a")] });
    const options = { fetchPartitionBytesMax: 65_536, sessionTimeoutMs: 6000 };
    const fail = () => Promise.reject(new Error("not this one"));
    const ranges = [{ partition: 0, from: 0, to: 1 }];
    await expect(readRanges(bed.client, bed.topicName, ranges, options, fail)).rejects.toThrow("not this one");
    await readRanges(bed.client, bed.topicName, [], options, fail);
  });
}
