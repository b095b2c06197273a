import { Agent, type AgentOptions } from "./agent/agent.ts";
import { type Config, readConfig, requireServices } from "./config.ts";
import { TradetapeError } from "./errors.ts";
import { completeEvent, type Incomplete } from "./event/complete.ts";
import { openRegistry } from "./event/registry.ts";
import type { EventTopic } from "./event/schemas.ts";
import { type Log, openLog } from "./log.ts";
import type { SettingName } from "./settings.ts";
import { openKafka } from "./topic/client.ts";
import { EventWriter, type Headers, type WriterParts } from "./topic/publish/event-writer.ts";
import { Publisher } from "./topic/publish/publish.ts";
import { Tally } from "./topic/publish/tally.ts";

export type { Agent, AgentOptions } from "./agent/agent.ts";
export type {
  AgentIdentity,
  DecisionFields,
  FillFields,
  PerformanceFields,
  PredictionFields,
  Workflow,
} from "./agent/fields.ts";
export { ERROR_CODES, type ErrorCode, TradetapeError } from "./errors.ts";
export type { Incomplete } from "./event/complete.ts";
export type * from "./event/events.ts";
export { doubleField, eventId, indicatorId, integerField, strategyId, symbolId } from "./event/identity.ts";
export { EVENT_TOPICS, type EventTopic } from "./event/schemas.ts";
export type { Headers } from "./topic/publish/event-writer.ts";

/**
 * Settings by name: `databaseUrl` for DATABASE_URL, as `tradetape config --json` names them. What isn't given comes from
 * the environment, then from the defaults.
 */
export type ConnectOptions = { readonly [K in SettingName]?: string | number | boolean | readonly string[] };

/** What `publish` may be told beside the event. */
export interface PublishOptions {
  /** Kafka headers: correlation ids and the like. Consumers keep them with a letter; tables don't hold them. */
  readonly headers?: Headers;
}

/** Events, or arrays of events, in the order they are to be published in. */
export type EventSource<E> = Iterable<E | readonly E[]> | AsyncIterable<E | readonly E[]>;

/**
 * Connects to the brokers.
 * @throws TradetapeError config_invalid, broker_unreachable
 */
export async function connect(options: ConnectOptions = {}): Promise<Tape> {
  const flags = Object.entries(options).map(([name, value]) => [name, value === undefined ? value : String(value)]);
  const config = readConfig(Object.fromEntries(flags));
  return connectTape(config, openLog(config));
}

/** `connect` for a program that has read its settings: tradetape's own commands. */
export async function connectTape(config: Config, log: Log): Promise<Tape> {
  const { schemaRegistryUrl, namespace, eventBytesMax } = requireServices(config, "kafkaBrokers", "schemaRegistryUrl");
  const kafka = openKafka(config, log);
  const publisher = await Publisher.open(kafka, {
    lingerMs: config.publishLingerMs,
    batchBytesMax: config.publishBatchBytesMax,
    bufferBytesMax: config.publishBufferBytesMax,
  });
  return new Tape({ kafka, registry: openRegistry(schemaRegistryUrl), publisher, namespace, eventBytesMax });
}

/** A connection that publishes events. Made by `connect`. */
export class Tape {
  readonly #parts: WriterParts;
  readonly #writers = new Map<EventTopic, EventWriter>();
  #closed: Promise<void> | undefined;

  constructor(parts: WriterParts) {
    this.#parts = parts;
  }

  /**
   * Publishes one event and resolves when every replica has it. Events of one key keep the order of their calls, also
   * when the calls aren't awaited one by one. A deterministic id that is missing (symbols, bars, indicators,
   * performance, ticks with a trade_id) is filled in. Awaiting is the back-pressure: who doesn't gets publisher_full.
   *
   * A rejected event is not in the table, or, when the broker's answer was lost, it is: publish it again, the same id
   * lands once. What was published after it has kept its place.
   * @throws TradetapeError input_invalid (what is wrong with the event), publish_refused, publisher_full, and on a
   * topic's first event registry_refused, registry_unreachable, topic_missing
   */
  publish<T extends EventTopic>(topic: T, event: Incomplete<T>, options: PublishOptions = {}): Promise<void> {
    try {
      const writer = this.#writer(topic);
      return writer.write(checked(topic, event), options.headers);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Publishes all events of a source, in its order per key, reading no faster than the broker acknowledges. At the
   * first event that is wrong, or that isn't acknowledged, it stops reading, waits for those on their way and throws.
   * @returns how many events were sent, all of them acknowledged
   * @throws TradetapeError as `publish`; the message says how many were acknowledged before
   */
  publishAll<T extends EventTopic>(topic: T, source: EventSource<Incomplete<T>>): Promise<{ sent: number }> {
    try {
      return this.#publishAll(topic, this.#writer(topic), source);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async #publishAll<T extends EventTopic>(
    topic: T,
    writer: EventWriter,
    source: EventSource<Incomplete<T>>,
  ): Promise<{ sent: number }> {
    const { publisher } = this.#parts;
    await writer.open();
    const tally = new Tally();
    const admit = async (item: Incomplete<T> | readonly Incomplete<T>[]): Promise<void> => {
      for (const event of Array.isArray(item) ? item : [item]) {
        if (publisher.isFull) await publisher.room();
        if (tally.hasFailed) return;
        this.#requireOpen();
        tally.add(writer.admit(checked(topic, event)));
      }
    };
    let stopped: unknown;
    try {
      // An array as the source: awaiting each of its events would cost as much as publishing it.
      for await (const item of Array.isArray(source) ? [source] : source) {
        await admit(item as Incomplete<T>);
        if (tally.hasFailed) break;
      }
    } catch (error) {
      stopped = error;
    }
    await tally.settled();
    const verdict = tally.verdict(stopped);
    if (verdict !== undefined) throw verdict;
    return { sent: tally.admitted };
  }

  /**
   * What an agent publishes through: predict, decide, fill, perform. Costs nothing; make as many as there are actors,
   * strategies and sessions.
   * @throws TradetapeError input_invalid for an identity that can't be one
   */
  agent(options: AgentOptions): Agent {
    return new Agent(options, ({ topic, event, headers }) => this.publish(topic, event as never, { headers }));
  }

  /** Waits until all that was admitted is acked or refused, then disconnects. A publish after it is refused. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    for (const writer of this.#writers.values()) await writer.settled();
    await this.#parts.publisher.close();
  }

  /** As `close`: `await using` calls it at the end of its block. */
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
    this.#requireOpen();
    let writer = this.#writers.get(topic);
    if (writer === undefined) {
      writer = new EventWriter(topic, this.#parts);
      this.#writers.set(topic, writer);
    }
    return writer;
  }
}

function checked<T extends EventTopic>(topic: T, event: unknown): object {
  const complete = completeEvent(topic, event);
  if (typeof complete !== "string") return complete;
  throw new TradetapeError("input_invalid", `${topic}: ${complete}`, {
    next: `See schemas/ for the fields of ${topic}.`,
  });
}
