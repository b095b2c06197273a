import { describe, expect, it } from "vitest";
import type { TickEvent } from "../../../src/event/events.ts";
import type { Registry } from "../../../src/event/registry.ts";
import { EventWriter, type WriterParts } from "../../../src/topic/publish/event-writer.ts";
import { Batch } from "../../../src/topic/publish/produce-queue.ts";
import type { PublishedMessage } from "../../../src/topic/publish/publish.ts";

const tick = (volume: number): TickEvent => ({
  market_data_id: "0198c5a4-8f6e-5c3a-9d2b-5e4f3a2b1c0d",
  symbol_id: "0198c5a4-8f6e-5c3a-9d2b-5e4f3a2b1c0e",
  timestamp: 1,
  close: 1,
  volume,
  source: "test",
});

/** A writer of `p.ticks` whose registry answers when the test says so; `sent` are the volumes in their order. */
function writerOf(registered: Promise<number>) {
  const messages: PublishedMessage[] = [];
  const topics = new Map([["p.ticks", { partitions: 4, isReady: true, replicas: 1 }]]);
  const admin = { close: async () => {}, fetchTopics: async () => topics };
  const publisher = {
    requireSpace: () => {},
    admit: (message: PublishedMessage) => {
      messages.push(message);
      const batch = new Batch();
      batch.succeed();
      return batch;
    },
  };
  const parts = {
    client: { openAdmin: async () => admin },
    registry: { register: () => registered } as unknown as Registry,
    publisher,
    namespace: "p",
    eventBytesMax: 1000,
  } as unknown as WriterParts;
  const sent = () => messages.map(({ value }) => value.readDoubleLE(value.indexOf("\x08test") - 8));
  return { writer: new EventWriter("ticks", parts), messages, sent };
}

describe("a topic's writer", () => {
  it("keeps events that are written in the very moment it opens behind those that waited for it", async () => {
    const { promise, resolve } = Promise.withResolvers<number>();
    const { writer, sent } = writerOf(promise);
    const third = writer.open().then(() => writer.write(tick(3)));
    const waiting = [writer.write(tick(1)), writer.write(tick(2))];
    resolve(7);
    await Promise.all([...waiting, third]);
    await writer.write(tick(4));
    expect(sent()).toEqual([1, 2, 3, 4]);
  });

  it("encodes an event at once, so that its caller may use the object again", async () => {
    const { writer, messages, sent } = writerOf(Promise.resolve(7));
    const event = tick(1);
    const written = writer.write(event);
    event.volume = 99;
    await written;
    expect(sent()).toEqual([1]);
    expect(messages[0]?.value.readInt32BE(1)).toBe(7);
  });

  it("names topic, key and the key's partition", async () => {
    const { writer, messages } = writerOf(Promise.resolve(7));
    await writer.write(tick(1), { h: "x" });
    const key = Buffer.from(tick(1).symbol_id);
    expect(messages).toMatchObject([{ topicName: "p.ticks", key, partition: 2, headers: { h: "x" } }]);
  });

  it("spreads keys over more partitions as soon as it is told that there are more", async () => {
    const { writer, messages } = writerOf(Promise.resolve(7));
    const of = (partitions: number) => new Map([["p.ticks", { partitions, isReady: true, replicas: 1 }]]);
    await writer.write(tick(1));
    writer.spreadOver(of(16));
    await writer.write(tick(2));
    writer.spreadOver(new Map());
    await writer.write(tick(3));
    expect(messages.map(({ partition }) => partition)).toEqual([2, 14, 14]);
  });

  it("fails those who wait when it can't open, and settles", async () => {
    const { writer, sent } = writerOf(Promise.reject(new Error("away")));
    const waiting = [writer.write(tick(1)), writer.write(tick(2))];
    const outcomes = await Promise.allSettled(waiting);
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    await writer.settled();
    expect(sent()).toEqual([]);
  });

  it("refuses an event that is too large, whether it is open or not", async () => {
    const { writer } = writerOf(Promise.resolve(7));
    const large = { ...tick(1), source: "x".repeat(1000) };
    expect(() => writer.write(large)).toThrow(/1\d{3} bytes, 1000 are allowed/);
    await writer.open();
    expect(() => writer.admit(large)).toThrow("1000 are allowed");
  });
});
