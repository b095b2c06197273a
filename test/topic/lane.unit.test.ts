import type { Message } from "kafkajs";
import { describe, expect, it } from "vitest";
import { type Batch, Lane } from "../../src/topic/lane.ts";

const message = (value: string) => ({ key: null, value, partition: 2 });

/** A lane whose requests wait until the test answers them. */
function laneOf(limits: { lingerMs: number; batchBytesMax: number }) {
  const sent: { values: string[]; answer: () => void }[] = [];
  const lane = new Lane("ticks", limits, (_topic, batch: Batch) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const values = batch.messages.map(({ value }) => String(value));
    sent.push({
      values,
      answer: () => {
        batch.succeed();
        resolve();
      },
    });
    return promise;
  });
  return { lane, sent, values: () => sent.map((request) => request.values.join("")) };
}

const turn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

describe("a partition's lane", () => {
  it("sends what comes within the linger together, and gives its events one promise", async () => {
    const { lane, values } = laneOf({ lingerMs: 0, batchBytesMax: 100 });
    const batches = ["a", "b", "c"].map((value) => lane.add(message(value), 10));
    expect(values()).toEqual([]);
    await turn();
    expect(values()).toEqual(["abc"]);
    expect(new Set(batches.map((batch) => batch.acked)).size).toBe(1);
  });

  it("sends a full batch without waiting for the linger", async () => {
    const { lane, values } = laneOf({ lingerMs: 60_000, batchBytesMax: 20 });
    for (const value of ["a", "b", "c"]) lane.add(message(value), 10);
    await turn();
    expect(values()).toEqual(["ab"]);
  });

  it("sends a message that alone is larger than a batch", async () => {
    const { lane, values } = laneOf({ lingerMs: 0, batchBytesMax: 20 });
    lane.add(message("large"), 500);
    await turn();
    expect(values()).toEqual(["large"]);
  });

  it("never has two requests out, and keeps the order", async () => {
    const { lane, sent, values } = laneOf({ lingerMs: 0, batchBytesMax: 20 });
    for (const value of ["a", "b", "c", "d", "e"]) lane.add(message(value), 10);
    await turn();
    expect(values()).toEqual(["ab"]);
    lane.add(message("f"), 10);
    await turn();
    expect(values()).toEqual(["ab"]);
    sent[0]!.answer();
    await turn();
    expect(values()).toEqual(["ab", "cd"]);
    sent[1]!.answer();
    await turn();
    expect(values()).toEqual(["ab", "cd", "ef"]);
  });

  it("sends what gathered behind a request as soon as it is answered", async () => {
    const { lane, sent, values } = laneOf({ lingerMs: 1, batchBytesMax: 100 });
    lane.add(message("a"), 10);
    await expect.poll(values).toEqual(["a"]);
    for (const value of ["b", "c"]) lane.add(message(value), 10);
    sent[0]!.answer();
    await turn();
    expect(values()).toEqual(["a", "bc"]);
  });

  it("hands kafkajs its messages as one group, and says so when kafkajs no longer asks for groups", () => {
    const { lane } = laneOf({ lingerMs: 60_000, batchBytesMax: 100 });
    const { messages } = lane.add(message("a"), 10);
    lane.add(message("b"), 10);
    type Grouped = Record<string, unknown[]>;
    const asKafkajsDoes = (groups: Grouped, one: Message) => {
      groups[one.partition!] = [...(groups[one.partition!] ?? []), one];
      return groups;
    };
    const grouped = messages.reduce<Grouped>(asKafkajsDoes, {});
    expect(grouped["2"]).toHaveLength(2);
    expect(() => messages.reduce<Grouped>((groups) => groups, {})).toThrow("no longer groups");
    expect(messages.map(({ value }) => value)).toEqual(["a", "b"]);
  });
});
