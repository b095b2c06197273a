import type { Batch, Consumer, EachBatchPayload, Kafka } from "tradetape-kafkajs";
import { type Clock, pause, SYSTEM_CLOCK } from "../../clock.ts";
import { isRefusal, TradetapeError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { batchOf } from "../fetch/batch-of.ts";
import { openBatches } from "../fetch/open-batches.ts";
import type { LogMember, MemberHandlers, MemberOptions } from "../log-client.ts";
import type { Mark, TopicPartition } from "../offsets.ts";
import type { BatchInside } from "../patch/kafkajs-internals.ts";
import { brokerFault } from "./broker-fault.ts";
import { consumerOptions } from "./consumer-options.ts";
import { deliver } from "./deliver.ts";
import { keepMarks } from "./keep-marks.ts";
import { watchSilence } from "./silence.ts";

/** kafkajs has tried for seconds by itself before it gives a group up. */
const JOIN_AGAIN_MS = 2000;

/**
 * A member of a Kafka consumer group, for its assignment and its bytes only. kafkajs never commits by itself here
 * (autoCommit would commit what was read, not what landed), and always starts from the beginning where Kafka knows no
 * offset: "latest" would skip what was published before.
 */
export class KafkaMember implements LogMember {
  readonly #consumer: Consumer;
  readonly #options: MemberOptions;
  readonly #log: Log;
  readonly #clock: MemberClock;
  #starting: Promise<void> | undefined;
  #restarting: Promise<void> | undefined;
  readonly #stopping = new AbortController();
  /** The partitions that kafkajs was told to pause, as `topicName/partition`. */
  readonly #held = new Set<string>();
  #isPaused = false;
  /**
   * Our id in the group. Undefined while kafkajs has no group to be told anything of: before the first join, and from a
   * crash to the next join.
   */
  #memberId: string | undefined;

  #endWatch: () => void = () => undefined;

  constructor(kafka: Kafka, options: MemberOptions, log: Log, clock: MemberClock = SYSTEM_CLOCK) {
    this.#options = options;
    this.#log = log;
    this.#clock = clock;
    this.#consumer = kafka.consumer(consumerOptions(options));
  }

  start(handlers: MemberHandlers): Promise<void> {
    this.#starting = this.#start(handlers).catch((cause: unknown) => {
      throw this.#fault(cause);
    });
    return this.#starting;
  }

  async #start(handlers: MemberHandlers): Promise<void> {
    const { events } = this.#consumer;
    this.#endWatch = watchSilence(this.#consumer, this.#options.groupId, this.#log, this.#clock);
    this.#consumer.on(events.STOP, () => {
      // kafkajs forgets what was paused when it leaves the group.
      this.#held.clear();
      this.#memberId = undefined;
      if (!this.#stopping.signal.aborted) handlers.onLeft();
    });
    this.#consumer.on(events.GROUP_JOIN, ({ payload }) => {
      // The broker had forgotten the member that we were, and kafkajs has joined as a new one without a word.
      if (this.#memberId !== undefined && this.#memberId !== payload.memberId) handlers.onLeft();
      this.#memberId = payload.memberId;
      if (this.#isPaused) this.#pauseAll();
      const assigned = Object.entries(payload.memberAssignment);
      handlers.onAssigned(
        assigned.flatMap(([topicName, partitions]) => partitions.map((partition) => ({ topicName, partition }))),
      );
    });
    this.#consumer.on(events.CRASH, ({ payload }) => {
      if (!payload.restart) this.#restarting = this.#joinAgain(payload.error, handlers);
    });
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topics: [...this.#options.topicNames], fromBeginning: true });
    await this.#run(handlers);
  }

  #run(handlers: MemberHandlers): Promise<void> {
    return this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: (payload) => this.#handle(payload, handlers),
    });
  }

  /** kafkajs has given the group up. Where only the broker is away the member joins again: an outage ends no group. */
  async #joinAgain(error: unknown, handlers: MemberHandlers): Promise<void> {
    const { signal } = this.#stopping;
    let cause = error;
    while (!signal.aborted) {
      const fault = this.#fault(cause);
      if (!(fault instanceof TradetapeError && fault.canRetry)) {
        handlers.onCrash(isRefusal(fault) ? fault : crash(this.#options.topicNames, cause as Error));
        return;
      }
      await pause(JOIN_AGAIN_MS, signal, this.#clock);
      if (signal.aborted) return;
      try {
        await this.#consumer.connect();
        if (!signal.aborted) await this.#run(handlers);
        return;
      } catch (again) {
        cause = again;
      }
    }
  }

  #fault(cause: unknown): unknown {
    const { topicNames, groupId } = this.#options;
    return brokerFault(cause, { right: "READ", topicNames, groupId });
  }

  async #handle(payload: EachBatchPayload, handlers: MemberHandlers): Promise<void> {
    const { isStale, resolveOffset } = payload;
    // kafkajs's types leave these members out; kafkajsInternals has checked that they are there.
    const batch = payload.batch as Batch & BatchInside;
    const within = batch.messagesWithinOffset;
    const fetched = async () => {
      const batches = await openBatches(within);
      const last = batches.length < within.length ? batches.at(-1)!.offset : batch.lastOffset();
      return batchOf({
        topicName: batch.topic,
        partition: batch.partition,
        fetchedOffset: Number(batch.fetchedOffset),
        nextOffset: Number(last) + 1,
        logEnd: Number(batch.highWatermark),
        batches,
      });
    };
    const handled = await deliver(fetched, payload.heartbeat, isStale, handlers);
    if (handled !== undefined) resolveOffset(String(handled.nextOffset - 1));
  }

  seek(at: TopicPartition, offset: number): void {
    this.letGo(at);
    if (this.#memberId === undefined) return;
    this.#consumer.seek({ topic: at.topicName, partition: at.partition, offset: String(offset) });
  }

  hold(at: TopicPartition): void {
    const name = `${at.topicName}/${at.partition}`;
    // Of a topic that is paused as a whole, kafkajs would fetch the other partitions again.
    if (this.#memberId === undefined || this.#isPaused || this.#held.has(name)) return;
    this.#held.add(name);
    this.#consumer.pause([{ topic: at.topicName, partitions: [at.partition] }]);
  }

  letGo(at: TopicPartition): void {
    // Of a topic that is paused as a whole, kafkajs would fetch this partition again.
    if (!this.#held.delete(`${at.topicName}/${at.partition}`) || this.#isPaused) return;
    this.#consumer.resume([{ topic: at.topicName, partitions: [at.partition] }]);
  }

  mark(marks: readonly Mark[]): Promise<void> {
    return keepMarks(this.#consumer, marks);
  }

  pause(): void {
    this.#isPaused = true;
    if (this.#memberId !== undefined) this.#pauseAll();
  }

  #pauseAll(): void {
    this.#consumer.pause(this.#options.topicNames.map((topic) => ({ topic })));
  }

  /**
   * Waits for a start, because another group's fault may stop this one while it is about to join. Where no broker answers,
   * it goes without a word when the group has forgotten it by itself.
   */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#endWatch();
    const forgotten = new AbortController();
    await Promise.race([this.#leave(), pause(this.#options.sessionTimeoutMs, forgotten.signal, this.#clock)]);
    forgotten.abort();
  }

  async #leave(): Promise<void> {
    await this.#starting?.catch(() => undefined);
    await this.#restarting;
    await this.#consumer.disconnect();
  }
}

type MemberClock = Pick<Clock, "sleep" | "now" | "every">;

const crash = (topicNames: readonly string[], cause: Error): TradetapeError =>
  new TradetapeError("group_crashed", `the consumer group of ${topicNames.join(", ")} ended: ${cause.message}`, {
    cause,
    canRetry: true,
    next: "Look for the reason in the brokers' logs.",
  });
