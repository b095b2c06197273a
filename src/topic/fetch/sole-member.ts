import kafkajs, {
  type EachBatchPayload,
  type Kafka,
  type Consumer as KafkaConsumer,
  type PartitionAssigner,
} from "kafkajs";
import { TradetapeError } from "../../errors.ts";
import { brokerFault } from "../client.ts";
import type { Mark, TopicPartition } from "../offsets.ts";
import { FetchedBatch } from "./fetched-batch.ts";

export interface SoleHandlers {
  /** Everything is ours from now on. Batches wait until it resolves. */
  onOwned(): Promise<void>;
  /** Another member has everything; it begins where the last marks are. */
  onLost(): void;
  /** Batches come one after the other. @param end the log's end, as the fetch saw it */
  onBatch(topicName: string, batch: FetchedBatch, end: number, heartbeat: () => Promise<void>): Promise<void>;
  /** A fetch brought nothing but markers and aborted records, in [firstOffset, nextOffset). */
  onMarkers(at: TopicPartition, firstOffset: number, nextOffset: number): void;
  onCrash(error: unknown): void;
}

export interface SoleOptions {
  readonly groupId: string;
  readonly topicNames: readonly string[];
  readonly fetchPartitionBytesMax: number;
  readonly sessionTimeoutMs: number;
}

const FETCH_WAIT_MS_MAX = 250;
const ASSIGNER = "tradetape-sole";

/**
 * Gives every partition of every topic to one member; the others stand by. What joins topics by symbol needs them in
 * one place, and Kafka's own assigners promise nothing about that.
 */
const soleAssigner: PartitionAssigner = ({ cluster }) => {
  const protocol = kafkajs.AssignerProtocol;
  return {
    name: ASSIGNER,
    version: 0,
    async assign({ members, topics }) {
      const ids = members.map(({ memberId }) => memberId);
      const owner = [...ids].sort()[0];
      const partitions = (topic: string) => cluster.findTopicPartitionMetadata(topic).map((p) => p.partitionId);
      const all = Object.fromEntries(topics.map((topic) => [topic, partitions(topic)]));
      return ids.map((memberId) => {
        const assignment = memberId === owner ? all : {};
        const memberAssignment = protocol.MemberAssignment.encode({
          version: 0,
          assignment,
          userData: Buffer.alloc(0),
        });
        return { memberId, memberAssignment };
      });
    },
    protocol: ({ topics }) => ({
      name: ASSIGNER,
      metadata: protocol.MemberMetadata.encode({ version: 0, topics, userData: Buffer.alloc(0) }),
    }),
  };
};

/**
 * The one reader of some topics under a group's name. Where it reads is its handlers' to say (`seek`); Kafka keeps their
 * marks and sees to it that nobody else reads meanwhile.
 */
export class SoleMember {
  readonly #consumer: KafkaConsumer;
  readonly #topicNames: readonly string[];
  #owning: Promise<void> | undefined;

  constructor(kafka: Kafka, options: SoleOptions) {
    this.#topicNames = options.topicNames;
    this.#consumer = kafka.consumer({
      groupId: options.groupId,
      partitionAssigners: [soleAssigner],
      sessionTimeout: options.sessionTimeoutMs,
      rebalanceTimeout: options.sessionTimeoutMs * 2,
      heartbeatInterval: Math.min(3000, options.sessionTimeoutMs / 5),
      maxWaitTimeInMs: FETCH_WAIT_MS_MAX,
      maxBytesPerPartition: options.fetchPartitionBytesMax,
    });
  }

  /** @throws TradetapeError broker_unreachable, topic_missing */
  async start(handlers: SoleHandlers): Promise<void> {
    const { events } = this.#consumer;
    this.#consumer.on(events.GROUP_JOIN, ({ payload }) =>
      this.#joined(Object.keys(payload.memberAssignment), handlers),
    );
    this.#consumer.on(events.CRASH, ({ payload }) => {
      if (!payload.restart) handlers.onCrash(crash(this.#topicNames, payload.error));
    });
    this.#consumer.on(events.END_BATCH_PROCESS, ({ payload }) => {
      const { topic: topicName, partition, batchSize, firstOffset, lastOffset } = payload;
      if (batchSize > 0 || firstOffset === null) return;
      handlers.onMarkers({ topicName, partition }, Number(firstOffset), Number(lastOffset) + 1);
    });
    try {
      await this.#consumer.connect();
      await this.#consumer.subscribe({ topics: [...this.#topicNames], fromBeginning: true });
      const eachBatch = (payload: EachBatchPayload) => this.#handle(payload, handlers);
      await this.#consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch });
    } catch (cause) {
      throw brokerFault(cause);
    }
  }

  /** A join that leaves all with us changes nothing: nobody else has read meanwhile. */
  #joined(topics: readonly string[], handlers: SoleHandlers): void {
    if (topics.length === 0) {
      if (this.#owning !== undefined) handlers.onLost();
      this.#owning = undefined;
      return;
    }
    this.#owning ??= handlers.onOwned().catch(handlers.onCrash);
  }

  /** An error of kafkajs's own, as of a heartbeat, is its to see; any other ends the reader. */
  async #handle({ batch, heartbeat, resolveOffset, isStale }: EachBatchPayload, handlers: SoleHandlers): Promise<void> {
    await this.#owning;
    if (isStale()) return;
    const { fetchedOffset, messagesWithinOffset } = batch as unknown as {
      fetchedOffset: string;
      messagesWithinOffset: readonly unknown[];
    };
    const last = Number(batch.lastOffset());
    const count = messagesWithinOffset.length;
    const fetched = new FetchedBatch(batch.partition, Number(fetchedOffset), last, batch.messages, count);
    let beatError: unknown;
    const beat = () =>
      heartbeat().catch((error: unknown) => {
        beatError = error;
        throw error;
      });
    try {
      await handlers.onBatch(batch.topic, fetched, Number(batch.highWatermark), beat);
    } catch (error) {
      if (error === beatError) throw error;
      handlers.onCrash(error);
      return;
    }
    resolveOffset(String(last));
  }

  seek({ topicName, partition }: TopicPartition, offset: number): void {
    this.#consumer.seek({ topic: topicName, partition, offset: String(offset) });
  }

  pause(at: readonly TopicPartition[]): void {
    this.#consumer.pause(at.map(({ topicName, partition }) => ({ topic: topicName, partitions: [partition] })));
  }

  resume(at: readonly TopicPartition[]): void {
    this.#consumer.resume(at.map(({ topicName, partition }) => ({ topic: topicName, partitions: [partition] })));
  }

  /** @throws what kafkajs throws, as during a rebalance: the marks before stay */
  async mark(marks: readonly Mark[]): Promise<void> {
    await this.#consumer.commitOffsets(
      marks.map(({ topicName, partition, offset, note }) => ({
        topic: topicName,
        partition,
        offset: String(offset),
        metadata: note,
      })),
    );
  }

  async stop(): Promise<void> {
    await this.#consumer.disconnect();
  }
}

const crash = (topicNames: readonly string[], cause: Error): TradetapeError =>
  new TradetapeError("group_crashed", `the reader of ${topicNames.join(", ")} ended: ${cause.message}`, {
    cause,
    next: "Start it again: it goes on where it was.",
  });
