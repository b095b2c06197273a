import { Agent, type AgentOptions } from "../agent/agent.ts";
import type { Recorder } from "../agent/recorder.ts";
import { type Config, requireServices } from "../config.ts";
import { TradetapeError } from "../errors.ts";
import { completeEvent, type Incomplete } from "../event/complete.ts";
import type { EventOfTopic } from "../event/events.ts";
import { openRegistry } from "../event/registry.ts";
import type { RulesOff } from "../event/rules.ts";
import { type EventTopic, TIME_FIELDS } from "../event/schemas.ts";
import { type Early1970, wrongTime } from "../event/time/range.ts";
import type { Headers } from "../event/workflow.ts";
import type { Log } from "../log.ts";
import type { SubscribeServices } from "../reading/open-subscription.ts";
import type { SubscribeOptions, Subscription } from "../reading/subscription.ts";
import { openSigning } from "../signature/entry-signature.ts";
import { openKafka } from "../topic/kafkajs/open-kafka.ts";
import { Acks } from "../topic/publish/acks.ts";
import { EventWriter, type WriterParts } from "../topic/publish/event-writer.ts";
import { Publisher, type PublishMeter } from "../topic/publish/publish.ts";
import { watchPartitions } from "../topic/publish/watch-partitions.ts";
import { callRecords } from "./call-records.ts";
import type { EventSource, PublishAllOptions, PublishOptions, Tape } from "./tape.ts";

/**
 * `connect` for a program that has read its settings: tradetape's own commands.
 * @param client of the cluster @param meter where publishing is measured
 */
export async function connectTape(
  config: Config,
  log: Log,
  client = openKafka(config, log),
  meter?: PublishMeter,
): Promise<Tape> {
  const { namespace, eventBytesMax } = config;
  const registry = openRegistry(requireServices(config, "kafkaBrokers", "schemaRegistryUrl"));
  const sign = openSigning(config);
  const limits = {
    lingerMs: config.publishLingerMs,
    batchBytesMax: config.publishBatchBytesMax,
    bufferBytesMax: config.publishBufferBytesMax,
  };
  const publisher = await Publisher.open(client, limits, meter);
  const parts = { client, registry, publisher, namespace, eventBytesMax, sign };
  return new KafkaTape(parts, { config, log, client });
}

class KafkaTape implements Tape {
  readonly #parts: WriterParts;
  readonly #services: Omit<SubscribeServices, "onEnd">;
  readonly #early1970: Early1970;
  readonly #rulesOff: RulesOff;
  readonly #subscriptions = new Set<AsyncDisposable>();
  readonly #writers = new Map<EventTopic, EventWriter>();
  readonly #endLooks: () => void;
  /** Of agents that record, which have to be done before the last writer is. */
  readonly #recorders: Recorder[] = [];
  #closed: Promise<void> | undefined;

  constructor(parts: WriterParts, services: Omit<SubscribeServices, "onEnd">) {
    this.#parts = parts;
    this.#services = services;
    this.#early1970 = services.config.early1970;
    this.#rulesOff = new Set(services.config.rulesOff);
    this.#endLooks = watchPartitions(parts.client, () => this.#writers.values(), services.log);
  }

  publish<T extends EventTopic>(topic: T, event: Incomplete<T>, options: PublishOptions = {}): Promise<void> {
    return this.#publish(topic, event, options.headers);
  }

  #publish(topic: EventTopic, event: object, headers: Headers | undefined): Promise<void> {
    try {
      this.#requireOpen();
      return this.#write(topic, event, headers);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Also while this closes: what was recorded before has to go out. */
  #write(topic: EventTopic, event: object, headers: Headers | undefined): Promise<void> {
    return this.#writer(topic).write(this.#checked(topic, event), headers);
  }

  publishAll<T extends EventTopic>(
    topic: T,
    source: EventSource<Incomplete<T>>,
    options: PublishAllOptions = {},
  ): Promise<{ sent: number }> {
    try {
      this.#requireOpen();
      return this.#publishAll(topic, this.#writer(topic), source, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async #publishAll<T extends EventTopic>(
    topic: T,
    writer: EventWriter,
    source: EventSource<Incomplete<T>>,
    { onAcked }: PublishAllOptions,
  ): Promise<{ sent: number }> {
    const { publisher } = this.#parts;
    await writer.open();
    const acks = new Acks(onAcked);
    const admit = async (item: Incomplete<T> | readonly Incomplete<T>[]): Promise<void> => {
      for (const event of Array.isArray(item) ? item : [item]) {
        if (publisher.isFull) await publisher.space();
        if (acks.hasFailed) return;
        this.#requireOpen();
        acks.add(writer.admit(this.#checked(topic, event)));
      }
    };
    let stopped: unknown;
    try {
      // An array as the source: awaiting each of its events would cost as much as publishing it.
      for await (const item of Array.isArray(source) ? [source] : source) {
        await admit(item as Incomplete<T>);
        if (acks.hasFailed) break;
      }
    } catch (error) {
      stopped = error;
    }
    await acks.settled();
    const failure = acks.failure(stopped);
    if (failure !== undefined) throw failure;
    return { sent: acks.admitted };
  }

  agent(options: AgentOptions): Agent {
    return new Agent(options, {
      publish: ({ topic, event, headers }) => this.#publish(topic, event, headers),
      publishRecord: async ({ topic, event, headers }) => this.#write(topic, event, headers),
      warn: (text) => this.#services.log.warn(text),
      atClose: (recorder) => this.#recorders.push(recorder),
      records: callRecords(this.#services.config),
    });
  }

  async subscribe<T extends EventTopic>(
    topics: T | readonly T[],
    options: SubscribeOptions<T> = {},
  ): Promise<Subscription<T>> {
    this.#requireOpen();
    // Loaded where it is asked for: what publishes only needn't load what reads.
    const { openSubscription } = await import("../reading/open-subscription.ts");
    const named = typeof topics === "string" ? [topics] : topics;
    const onEnd = () => this.#subscriptions.delete(subscription);
    const subscription = await openSubscription({ ...this.#services, onEnd }, named, options);
    this.#subscriptions.add(subscription);
    return subscription as Subscription<T>;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await Promise.all(this.#recorders.map((recorder) => recorder.close()));
    this.#endLooks();
    for (const subscription of this.#subscriptions) await subscription[Symbol.asyncDispose]();
    for (const writer of this.#writers.values()) await writer.settled();
    await this.#parts.publisher.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #requireOpen(): void {
    if (this.#closed === undefined) return;
    throw new TradetapeError("input_invalid", "this tape is closed", {
      next: "Publish before close, or connect again.",
    });
  }

  #writer(topic: EventTopic): EventWriter {
    let writer = this.#writers.get(topic);
    if (writer === undefined) {
      writer = new EventWriter(topic, this.#parts);
      this.#writers.set(topic, writer);
    }
    return writer;
  }

  /** The event as it is sent. @throws TradetapeError input_invalid: also for a time that landing would set aside */
  #checked<T extends EventTopic>(topic: T, event: unknown): EventOfTopic[T] {
    const complete = completeEvent(topic, event, this.#rulesOff);
    const isWhole = typeof complete !== "string";
    const time = isWhole
      ? wrongTime(TIME_FIELDS[topic], complete, this.#early1970, this.#parts.publisher.brokerUs())
      : null;
    if (isWhole && time === null) return complete;
    throw new TradetapeError("input_invalid", `${topic}: ${time?.detail ?? complete}`, {
      next: `See schemas/ for the fields of ${topic}.`,
    });
  }
}
