import { describe, expect, it } from "vitest";
import { BatchRecords } from "../../src/topic/batch-records.ts";
import { type Batch, Lane } from "../../src/topic/lane.ts";
import { recordBatch } from "../../src/topic/produce-request.ts";
import { readRecordBatches } from "../../src/topic/record-batch.ts";

const message = (value: string) => ({ key: null, value: Buffer.from(value) });

/** The values of a batch's records, as a consumer would read them. */
async function valuesOf(batch: Batch): Promise<string[]> {
  const records = new BatchRecords(await readRecordBatches(recordBatch(batch.records, 0)), 0);
  return Array.from({ length: records.count }, (_, index) => String(records.record(index).value));
}

/** A lane whose requests wait until the test answers them. */
function laneOf(limits: { lingerMs: number; batchBytesMax: number }) {
  const sent: { values: Promise<string[]>; answer: () => void }[] = [];
  const lane = new Lane("ticks", limits, (_topic, batch: Batch) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    sent.push({
      values: valuesOf(batch),
      answer: () => {
        batch.succeed();
        resolve();
      },
    });
    return promise;
  });
  const values = () => Promise.all(sent.map(async (request) => (await request.values).join("")));
  return { lane, sent, values };
}

const turn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

describe("a partition's lane", () => {
  it("sends what comes within the linger together, and gives its events one promise", async () => {
    const { lane, values } = laneOf({ lingerMs: 0, batchBytesMax: 100 });
    const batches = ["a", "b", "c"].map((value) => lane.add(message(value), 10));
    expect(await values()).toEqual([]);
    await turn();
    expect(await values()).toEqual(["abc"]);
    expect(new Set(batches.map((batch) => batch.acked)).size).toBe(1);
  });

  it("sends a full batch without waiting for the linger", async () => {
    const { lane, values } = laneOf({ lingerMs: 60_000, batchBytesMax: 20 });
    for (const value of ["a", "b", "c"]) lane.add(message(value), 10);
    await turn();
    expect(await values()).toEqual(["ab"]);
  });

  it("sends a message that alone is larger than a batch", async () => {
    const { lane, values } = laneOf({ lingerMs: 0, batchBytesMax: 20 });
    lane.add(message("large"), 500);
    await turn();
    expect(await values()).toEqual(["large"]);
  });

  it("never has two requests out, and keeps the order", async () => {
    const { lane, sent, values } = laneOf({ lingerMs: 0, batchBytesMax: 20 });
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

  it("sends what gathered behind a request as soon as it is answered", async () => {
    const { lane, sent, values } = laneOf({ lingerMs: 1, batchBytesMax: 100 });
    lane.add(message("a"), 10);
    await expect.poll(values).toEqual(["a"]);
    for (const value of ["b", "c"]) lane.add(message(value), 10);
    sent[0]!.answer();
    await turn();
    expect(await values()).toEqual(["a", "bc"]);
  });
});
