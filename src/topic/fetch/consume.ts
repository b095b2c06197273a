import { setTimeout as sleep } from "node:timers/promises";
import type { EachBatchPayload, Kafka, Consumer as KafkaConsumer } from "kafkajs";
import { TradetapeError } from "../../errors.ts";
import { brokerFault } from "../client.ts";
import { batchOf } from "./batch-records.ts";
import type { GroupHandlers, GroupOptions } from "./group-handlers.ts";

/**
 * kafkajs sleeps this long when every partition is paused, and a fetch of an empty log waits as long: a stop and a seek
 * wait for its end. Ten idle groups in one process took 1.88 % of a core so, 2.03 % with 500 ms.
 */
const FETCH_WAIT_MS_MAX = 650;
/**
 * What a fetch brings is in memory twice until it has been taken apart. Of more partitions than these kafkajs asks in
 * another order each time, so that none is passed over for long.
 */
const PARTITIONS_PER_FETCH = 4;
/** kafkajs has tried for seconds by itself before it gives a group up. */
const JOIN_AGAIN_MS = 2000;

/**
 * There at run time and not in the types: without `fetchedOffset` a batch's range would begin at a guess, without the
 * unfiltered messages nobody could tell a hole that a transaction left from a record that is gone.
 */
type BatchAtRunTime = { readonly fetchedOffset: unknown; readonly messagesWithinOffset: readonly unknown[] };

/**
 * A member of a Kafka consumer group, for its assignment and its bytes only. kafkajs never commits by itself here
 * (autoCommit would commit what was read, not what landed), and always starts from the beginning where Kafka knows no
 * offset: "latest" would skip what was published before.
 */
export class GroupMember {
  readonly #consumer: KafkaConsumer;
  readonly #options: GroupOptions;
  #starting: Promise<void> | undefined;
  #restarting: Promise<void> | undefined;
  readonly #stopping = new AbortController();
  /** Partitions that nothing is fetched of for now. */
  readonly #held = new Set<number>();
  /** Between an outage that outlasts its tries and its next join, kafkajs has no group to be told anything. */
  #isRunning = false;

  constructor(kafka: Kafka, options: GroupOptions) {
    this.#options = options;
    this.#consumer = kafka.consumer({
      groupId: options.groupId,
      sessionTimeout: options.sessionTimeoutMs,
      rebalanceTimeout: options.sessionTimeoutMs * 2,
      heartbeatInterval: Math.min(3000, options.sessionTimeoutMs / 5),
      maxWaitTimeInMs: FETCH_WAIT_MS_MAX,
      maxBytesPerPartition: options.fetchPartitionBytesMax,
      maxBytes: options.fetchPartitionBytesMax * PARTITIONS_PER_FETCH,
    });
  }

  /** @throws TradetapeError broker_unreachable, topic_missing */
  start(handlers: GroupHandlers): Promise<void> {
    this.#starting = this.#start(handlers).catch((cause: unknown) => {
      throw brokerFault(cause);
    });
    return this.#starting;
  }

  async #start(handlers: GroupHandlers): Promise<void> {
    const { topicName } = this.#options;
    this.#consumer.on(this.#consumer.events.STOP, () => {
      this.#isRunning = false;
    });
    this.#consumer.on(this.#consumer.events.GROUP_JOIN, ({ payload }) => {
      this.#isRunning = true;
      handlers.onAssigned(payload.memberAssignment[topicName] ?? []);
    });
    this.#consumer.on(this.#consumer.events.CRASH, ({ payload }) => {
      if (!payload.restart) this.#restarting = this.#joinAgain(payload.error, handlers);
    });
    // Where kafkajs takes batches apart itself, one of markers only never reaches the handler: it is told of here alone.
    this.#consumer.on(this.#consumer.events.END_BATCH_PROCESS, ({ payload }) => {
      const { batchSize, firstOffset, lastOffset, partition } = payload;
      if (batchSize > 0 || firstOffset === null) return;
      try {
        handlers.onMarkers(partition, Number(firstOffset), Number(lastOffset) + 1);
      } catch (error) {
        // kafkajs would only log it.
        handlers.onCrash(error);
      }
    });
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topic: topicName, fromBeginning: true });
    await this.#run(handlers);
  }

  #run(handlers: GroupHandlers): Promise<void> {
    return this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: (payload) => this.#handle(payload, handlers),
    });
  }

  /** kafkajs has given the group up. Where only the broker is away it is joined again: an outage ends no group. */
  async #joinAgain(error: unknown, handlers: GroupHandlers): Promise<void> {
    const fault = brokerFault(error);
    if (!(fault instanceof TradetapeError && fault.canRetry)) {
      handlers.onCrash(crash(this.#options.topicName, error as Error));
      return;
    }
    try {
      await sleep(JOIN_AGAIN_MS, undefined, { signal: this.#stopping.signal });
      await this.#consumer.connect();
      if (this.#stopping.signal.aborted) return;
      await this.#run(handlers);
    } catch (again) {
      if (!this.#stopping.signal.aborted) await this.#joinAgain(again, handlers);
    }
  }

  /**
   * kafkajs tells of a rebalance by its heartbeat and has to hear of it again. Any other error it would only try again,
   * for ever and in silence: that ends the group.
   */
  async #handle(payload: EachBatchPayload, handlers: GroupHandlers): Promise<void> {
    const { batch, isStale, resolveOffset } = payload;
    const { fetchedOffset: fetched, messagesWithinOffset: raw } = batch as unknown as BatchAtRunTime;
    const fetchedOffset = Number(fetched);
    if (!Number.isSafeInteger(fetchedOffset)) throw new Error("kafkajs no longer tells a batch's fetched offset");
    const last = batch.lastOffset();
    let beatError: unknown;
    const heartbeat = () =>
      payload.heartbeat().catch((error: unknown) => {
        beatError = error;
        throw error;
      });
    try {
      const fetchedBatch = batchOf(batch, fetchedOffset, Number(last), raw);
      await handlers.onBatch(fetchedBatch, heartbeat, isStale);
    } catch (error) {
      if (error === beatError) throw error;
      handlers.onCrash(error);
      return;
    }
    resolveOffset(last);
  }

  /**
   * The next fetch of this partition begins here. A fetch under way may still bring another: check every batch. While
   * kafkajs has left the group it is lost, and needn't be kept: the next join assigns anew, and that seeks again.
   */
  seek(partition: number, offset: number): void {
    this.letGo(partition);
    if (!this.#isRunning) return;
    this.#consumer.seek({ topic: this.#options.topicName, partition, offset: String(offset) });
  }

  /** Nothing more of this partition is fetched, but for what is on its way, until `letGo` or a seek. */
  hold(partition: number): void {
    if (!this.#isRunning || this.#held.has(partition)) return;
    this.#held.add(partition);
    this.#consumer.pause([{ topic: this.#options.topicName, partitions: [partition] }]);
  }

  /** What kafkajs held before it left the group, it has forgotten when it joins again. */
  letGo(partition: number): void {
    if (!this.#held.delete(partition) || !this.#isRunning) return;
    this.#consumer.resume([{ topic: this.#options.topicName, partitions: [partition] }]);
  }

  /** Writes Kafka's own group offsets, for lag tools; nothing here reads them. */
  async commit(offsets: ReadonlyMap<number, number>): Promise<void> {
    const topic = this.#options.topicName;
    await this.#consumer.commitOffsets(
      [...offsets].map(([partition, offset]) => ({ topic, partition, offset: String(offset) })),
    );
  }

  /** Nothing more is fetched; what is being handled goes on. A member that isn't running fetches nothing anyway. */
  pause(): void {
    if (this.#isRunning) this.#consumer.pause([{ topic: this.#options.topicName }]);
  }

  /** Also for a member that never started, or is about to: another group's fault may come first. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#starting?.catch(() => undefined);
    await this.#restarting;
    await this.#consumer.disconnect();
  }
}

const crash = (topicName: string, cause: Error): TradetapeError =>
  new TradetapeError("group_crashed", `the consumer group of ${topicName} ended: ${cause.message}`, {
    cause,
    next: "Start `tradetape consume` again: it goes on where the database stands.",
  });
