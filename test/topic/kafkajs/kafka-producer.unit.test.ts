import type { ICustomPartitioner, Kafka, PartitionMetadata } from "tradetape-kafkajs";
import { expect, test } from "vitest";
import { KafkaProducer } from "../../../src/topic/kafkajs/kafka-producer.ts";
import type { LogClient } from "../../../src/topic/log-client.ts";
import { Publisher } from "../../../src/topic/publish/publish.ts";

const DAY_MS = 86_400_000;
const LIMITS = { lingerMs: 0, batchBytesMax: 1024, bufferBytesMax: 1024 };

/** A publisher whose broker gives these times, one a request; -1 is none, as of a topic that keeps its writers' times. */
async function publisherOn(...appendedMs: number[]): Promise<Publisher> {
  const acks = () => [{ partition: 0, baseOffset: "0", logAppendTime: String(appendedMs.shift()) }];
  const producer = { connect: async () => {}, disconnect: async () => {}, send: async () => acks() };
  const client: Pick<LogClient, "openAdmin" | "openProducer"> = {
    openAdmin: async () => ({ fetchCluster: async () => ({ brokers: 1 }), close: async () => {} }) as never,
    openProducer: () => KafkaProducer.open({ producer: () => producer } as unknown as Kafka, SPEECH),
  };
  return Publisher.open(client as LogClient, LIMITS);
}

const SPEECH = { isTls: false, logsIn: false };
const MESSAGE = { topicName: "ticks", partition: 0, key: null, value: Buffer.of(1) };
/** How many days the broker's clock is ahead of ours, as the publisher knows it. */
const daysAhead = (publisher: Publisher) => Math.round((publisher.brokerUs() / 1000 - Date.now()) / DAY_MS);

test("the broker's time is our own until an acknowledgement tells of another, and its newest one counts", async () => {
  const now = Date.now();
  const publisher = await publisherOn(-1, now + 10 * DAY_MS, -1, now - 5 * DAY_MS);
  const seen = [daysAhead(publisher)];
  for (let n = 0; n < 4; n++) {
    await publisher.admit(MESSAGE).acked;
    seen.push(daysAhead(publisher));
  }
  expect(seen).toEqual([0, 0, 10, 10, -5]);
});

test("a message of a partition that kafkajs doesn't know yet has it ask the cluster again, and isn't left out", async () => {
  let createPartitioner: ICustomPartitioner | undefined;
  const producer = { connect: async () => {} };
  const kafka = {
    producer: (options: { createPartitioner: ICustomPartitioner }) => {
      createPartitioner = options.createPartitioner;
      return producer;
    },
  };
  await KafkaProducer.open(kafka as unknown as Kafka, SPEECH);
  const partitionOf = (partition: number) => {
    const partitionMetadata = [0, 1].map((partitionId) => ({ partitionId })) as PartitionMetadata[];
    return createPartitioner!()({ topic: "ticks", partitionMetadata, message: { value: null, partition } });
  };
  expect([partitionOf(0), partitionOf(1)]).toEqual([0, 1]);
  // By this name kafkajs refreshes its metadata and sends again.
  expect(() => partitionOf(2)).toThrow(expect.objectContaining({ name: "KafkaJSMetadataNotLoaded" }));
});
