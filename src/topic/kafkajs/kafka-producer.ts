import type { ICustomPartitioner, Kafka, Producer } from "tradetape-kafkajs";
import type { LogProducer, PartitionBatch } from "../log-client.ts";
import { WholeMessage } from "../patch/produce-request.ts";
import { brokerFault } from "./broker-fault.ts";
import { METADATA_MAX_AGE_MS } from "./metadata.ts";
import { explainClosed, type Speech } from "./wrong-listener.ts";

/**
 * Patience of every produce request, about a minute: a broker's restart is no failure. Once another broker leads the
 * partition, the next try is a second away.
 */
const PRODUCE_RETRY = { initialRetryTime: 100, factor: 0.2, multiplier: 2, maxRetryTime: 1000, retries: 63 };
const ACKS_ALL = -1;

/**
 * Takes the partition that a message names. Where the topic has got it since kafkajs last asked, the error has kafkajs ask
 * again; without it the message would be left out in silence, as often as it is sent.
 * @throws Error
 */
const namedPartition: ICustomPartitioner =
  () =>
  ({ topic, partitionMetadata, message }) => {
    const partition = message.partition!;
    if (partitionMetadata.some(({ partitionId }) => partitionId === partition)) return partition;
    throw Object.assign(new Error(`${topic} has no partition ${partition} yet`), { name: "KafkaJSMetadataNotLoaded" });
  };

/**
 * kafkajs's producer in the one mode that loses nothing: acks from all replicas, partitions named by us, and no
 * idempotence, because kafkajs's own loses acknowledged messages when an answer is lost. Repeats are harmless, because
 * every event has an id of ours.
 */
export class KafkaProducer implements LogProducer {
  readonly #producer: Producer;
  clockAheadMs = 0;

  private constructor(producer: Producer) {
    this.#producer = producer;
  }

  static async open(kafka: Kafka, speech: Speech): Promise<KafkaProducer> {
    const producer = kafka.producer({
      idempotent: false,
      allowAutoTopicCreation: false,
      retry: PRODUCE_RETRY,
      metadataMaxAge: METADATA_MAX_AGE_MS,
      createPartitioner: namedPartition,
    });
    try {
      await producer.connect();
    } catch (cause) {
      await producer.disconnect();
      throw await explainClosed(brokerFault(cause), speech);
    }
    return new KafkaProducer(producer);
  }

  /**
   * kafkajs keeps a request's answers by broker while it tries again: a partition whose leader moves to a broker that has
   * answered already is neither sent again nor missed by kafkajs, so it is left out of what this returns.
   */
  async produce(topicName: string, batches: readonly PartitionBatch[]): Promise<ReadonlyMap<number, number>> {
    const messages = batches.map(({ partition, records }) => new WholeMessage(partition, records));
    try {
      const acks = await this.#producer.send({ topic: topicName, messages, acks: ACKS_ALL });
      // -1 where a topic keeps the times of its writers.
      const stampedMs = Math.max(...acks.map(({ logAppendTime }) => Number(logAppendTime ?? -1)));
      if (stampedMs > 0) this.clockAheadMs = stampedMs - Date.now();
      return new Map(acks.map(({ partition, baseOffset }) => [partition, Number(baseOffset)]));
    } catch (cause) {
      throw brokerFault(cause, { right: "WRITE", topicNames: [topicName] });
    }
  }

  close(): Promise<void> {
    return this.#producer.disconnect();
  }
}
