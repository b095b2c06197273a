import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { BatchRecords } from "../../../src/topic/fetch/batch-records.ts";
import { recordBatch } from "../../../src/topic/patch/produce-request.ts";
import type { Batch } from "../../../src/topic/publish/produce-queue.ts";
import { TopicQueues } from "../../../src/topic/publish/topic-queues.ts";
import { readRecordBatches } from "../../../src/topic/wire/read-batches.ts";

const message = (value: string) => ({ key: null, value: Buffer.from(value) });

/** The values of a batch's records, as a consumer would read them. */
async function valuesOf(batch: Batch): Promise<string[]> {
  const records = new BatchRecords(readRecordBatches(recordBatch(batch.records, 0), 0), 0);
  return Array.from({ length: records.count }, (_, index) => String(records.record(index).value));
}

/** A topic's queues whose requests wait until the test answers them. */
function queuesOf(limits: { lingerMs: number; batchBytesMax: number }, sharesRequests = true) {
  const sent: { values: Promise<string[][]>; answer: () => void }[] = [];
  const queues = new TopicQueues("ticks", { ...limits, sharesRequests }, (_topic, outgoing) => {
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
  return { queues, queue: queues.queue(0), sent, values };
}

/** Longer than the linger of who waits for it. */
const LINGERED_MS = 20;

const turn = () => new Promise((resolve) => setImmediate(() => setImmediate(() => setImmediate(resolve))));

describe("a partition's queue", () => {
  it("sends what comes within the linger together, and gives its events one promise", async () => {
    const { queue, values } = queuesOf({ lingerMs: 0, batchBytesMax: 100 });
    const batches = ["a", "b", "c"].map((value) => queue.add(message(value), 10));
    expect(await values()).toEqual([]);
    await turn();
    expect(await values()).toEqual(["abc"]);
    expect(new Set(batches.map((batch) => batch.acked)).size).toBe(1);
  });

  it("sends a full batch without waiting for the linger", async () => {
    const { queue, values } = queuesOf({ lingerMs: 60_000, batchBytesMax: 20 });
    for (const value of ["a", "b", "c"]) queue.add(message(value), 10);
    await turn();
    expect(await values()).toEqual(["ab"]);
  });

  it("sends a message that alone is larger than a batch", async () => {
    const { queue, values } = queuesOf({ lingerMs: 0, batchBytesMax: 20 });
    queue.add(message("large"), 500);
    await turn();
    expect(await values()).toEqual(["large"]);
  });

  it("never has two requests out, and keeps the order", async () => {
    const { queue, sent, values } = queuesOf({ lingerMs: 0, batchBytesMax: 20 });
    for (const value of ["a", "b", "c", "d", "e"]) queue.add(message(value), 10);
    await turn();
    expect(await values()).toEqual(["ab"]);
    queue.add(message("f"), 10);
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
    const { queue, sent, values } = queuesOf({ lingerMs: 1, batchBytesMax: 100 });
    queue.add(message("a"), 10);
    await expect.poll(values).toEqual(["a"]);
    for (const value of ["b", "c"]) queue.add(message(value), 10);
    await sleep(LINGERED_MS);
    expect(await values()).toEqual(["a"]);
    sent[0]!.answer();
    await turn();
    expect(await values()).toEqual(["a", "bc"]);
  });

  it("lets linger what came behind a request that is answered sooner", async () => {
    const { queue, sent, values } = queuesOf({ lingerMs: 60_000, batchBytesMax: 10 });
    for (const value of ["a", "b"]) queue.add(message(value), 10);
    await turn();
    sent[0]!.answer();
    await turn();
    expect(await values()).toEqual(["a"]);
    queue.add(message("c"), 10);
    await turn();
    expect(await values()).toEqual(["a", "b"]);
  });

  it("lets linger what is left open behind a full batch", async () => {
    const { queue, sent, values } = queuesOf({ lingerMs: 1, batchBytesMax: 20 });
    for (const value of ["a", "b", "c"]) queue.add(message(value), 10);
    await turn();
    expect(await values()).toEqual(["ab"]);
    sent[0]!.answer();
    await expect.poll(values).toEqual(["ab", "c"]);
  });
});

describe("a topic's queues", () => {
  const limits = { lingerMs: 0, batchBytesMax: 1_000_000 };

  it("send what lingered at the same time in one request", async () => {
    const { queues, values } = queuesOf(limits);
    for (const partition of [0, 3, 1]) queues.queue(partition).add(message(`p${partition}`), 10);
    await turn();
    expect(await values()).toEqual(["p0 p1 p3"]);
  });

  it("share no request where there are several brokers", async () => {
    const { queues, values } = queuesOf(limits, false);
    for (const partition of [0, 3, 1]) queues.queue(partition).add(message(`p${partition}`), 10);
    await turn();
    expect(await values()).toEqual(["p0", "p1", "p3"]);
  });

  it("leave out a partition whose request is out, and take it along when it has been answered", async () => {
    const { queues, sent, values } = queuesOf(limits);
    queues.queue(0).add(message("a"), 10);
    await turn();
    for (const partition of [0, 1]) queues.queue(partition).add(message("b"), 10);
    await turn();
    expect(await values()).toEqual(["a", "b"]);
    for (const partition of [0, 1]) queues.queue(partition).add(message("c"), 10);
    for (const request of sent) request.answer();
    await turn();
    expect(await values()).toEqual(["a", "b", "bc c"]);
  });

  it("send large batches each by itself, several at a time", async () => {
    const { queues, values } = queuesOf(limits);
    const bytes = [200_000, 50_000, 10_000, 900_000, 900_000];
    for (const [partition, size] of bytes.entries()) queues.queue(partition).add(message(`p${partition}`), size);
    await turn();
    expect(await values()).toEqual(["p0 p1 p2", "p3", "p4"]);
  });
});
