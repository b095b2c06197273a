import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { BatchRecords } from "../../../src/topic/fetch/batch-records.ts";
import { recordBatch } from "../../../src/topic/patch/produce-request.ts";
import type { Batch } from "../../../src/topic/publish/lane.ts";
import { TopicLanes } from "../../../src/topic/publish/topic-lanes.ts";
import { readRecordBatches } from "../../../src/topic/wire/record-batch.ts";

const message = (value: string) => ({ key: null, value: Buffer.from(value) });

/** The values of a batch's records, as a consumer would read them. */
async function valuesOf(batch: Batch): Promise<string[]> {
  const records = new BatchRecords(await readRecordBatches(recordBatch(batch.records, 0)), 0);
  return Array.from({ length: records.count }, (_, index) => String(records.record(index).value));
}

/** A topic's lanes whose requests wait until the test answers them. */
function lanesOf(limits: { lingerMs: number; batchBytesMax: number }, sharesRequests = true) {
  const sent: { values: Promise<string[][]>; answer: () => void }[] = [];
  const lanes = new TopicLanes("ticks", { ...limits, sharesRequests }, (_topic, outgoing) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    sent.push({
      values: Promise.all(outgoing.map(({ batch }) => valuesOf(batch))),
      answer: () => {
        for (const { batch } of outgoing) batch.succeed();
        resolve();
      },
    });
    return promise;
  });
  const values = () =>
    Promise.all(sent.map(async (request) => (await request.values).map((batch) => batch.join("")).join(" ")));
  return { lanes, lane: lanes.lane(0), sent, values };
}

/** Longer than the linger of who waits for it. */
const LINGERED_MS = 20;

const turn = () => new Promise((resolve) => setImmediate(() => setImmediate(() => setImmediate(resolve))));

describe("a partition's lane", () => {
  it("sends what comes within the linger together, and gives its events one promise", async () => {
    const { lane, values } = lanesOf({ lingerMs: 0, batchBytesMax: 100 });
    const batches = ["a", "b", "c"].map((value) => lane.add(message(value), 10));
    expect(await values()).toEqual([]);
    await turn();
    expect(await values()).toEqual(["abc"]);
    expect(new Set(batches.map((batch) => batch.acked)).size).toBe(1);
  });

  it("sends a full batch without waiting for the linger", async () => {
    const { lane, values } = lanesOf({ lingerMs: 60_000, batchBytesMax: 20 });
    for (const value of ["a", "b", "c"]) lane.add(message(value), 10);
    await turn();
    expect(await values()).toEqual(["ab"]);
  });

  it("sends a message that alone is larger than a batch", async () => {
    const { lane, values } = lanesOf({ lingerMs: 0, batchBytesMax: 20 });
    lane.add(message("large"), 500);
    await turn();
    expect(await values()).toEqual(["large"]);
  });

  it("never has two requests out, and keeps the order", async () => {
    const { lane, sent, values } = lanesOf({ lingerMs: 0, batchBytesMax: 20 });
    for (const value of ["a", "b", "c", "d", "e"]) lane.add(message(value), 10);
    await turn();
    expect(await values()).toEqual(["ab"]);
    lane.add(message("f"), 10);
    await turn();
    expect(await values()).toEqual(["ab"]);
    sent[0]!.answer();
    await turn();
    expect(await values()).toEqual(["ab", "cd"]);
    sent[1]!.answer();
    await turn();
    expect(await values()).toEqual(["ab", "cd", "ef"]);
  });

  it("sends what has lingered behind a request as soon as it is answered", async () => {
    const { lane, sent, values } = lanesOf({ lingerMs: 1, batchBytesMax: 100 });
    lane.add(message("a"), 10);
    await expect.poll(values).toEqual(["a"]);
    for (const value of ["b", "c"]) lane.add(message(value), 10);
    await sleep(LINGERED_MS);
    expect(await values()).toEqual(["a"]);
    sent[0]!.answer();
    await turn();
    expect(await values()).toEqual(["a", "bc"]);
  });

  it("lets linger what came behind a request that is answered sooner", async () => {
    const { lane, sent, values } = lanesOf({ lingerMs: 60_000, batchBytesMax: 10 });
    for (const value of ["a", "b"]) lane.add(message(value), 10);
    await turn();
    sent[0]!.answer();
    await turn();
    expect(await values()).toEqual(["a"]);
    lane.add(message("c"), 10);
    await turn();
    expect(await values()).toEqual(["a", "b"]);
  });

  it("lets linger what is left open behind a full batch", async () => {
    const { lane, sent, values } = lanesOf({ lingerMs: 1, batchBytesMax: 20 });
    for (const value of ["a", "b", "c"]) lane.add(message(value), 10);
    await turn();
    expect(await values()).toEqual(["ab"]);
    sent[0]!.answer();
    await expect.poll(values).toEqual(["ab", "c"]);
  });
});

describe("a topic's lanes", () => {
  const limits = { lingerMs: 0, batchBytesMax: 1_000_000 };

  it("send what lingered at the same time in one request", async () => {
    const { lanes, values } = lanesOf(limits);
    for (const partition of [0, 3, 1]) lanes.lane(partition).add(message(`p${partition}`), 10);
    await turn();
    expect(await values()).toEqual(["p0 p1 p3"]);
  });

  it("share no request where there are several brokers", async () => {
    const { lanes, values } = lanesOf(limits, false);
    for (const partition of [0, 3, 1]) lanes.lane(partition).add(message(`p${partition}`), 10);
    await turn();
    expect(await values()).toEqual(["p0", "p1", "p3"]);
  });

  it("leave out a partition whose request is out, and take it along when it has been answered", async () => {
    const { lanes, sent, values } = lanesOf(limits);
    lanes.lane(0).add(message("a"), 10);
    await turn();
    for (const partition of [0, 1]) lanes.lane(partition).add(message("b"), 10);
    await turn();
    expect(await values()).toEqual(["a", "b"]);
    for (const partition of [0, 1]) lanes.lane(partition).add(message("c"), 10);
    for (const request of sent) request.answer();
    await turn();
    expect(await values()).toEqual(["a", "b", "bc c"]);
  });

  it("send large batches each by itself, several at a time", async () => {
    const { lanes, values } = lanesOf(limits);
    const bytes = [200_000, 50_000, 10_000, 900_000, 900_000];
    for (const [partition, size] of bytes.entries()) lanes.lane(partition).add(message(`p${partition}`), size);
    await turn();
    expect(await values()).toEqual(["p0 p1 p2", "p3", "p4"]);
  });
});
