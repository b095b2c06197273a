import { TradetapeError } from "../../errors.ts";
import { encodeEvent, stampSchemaId } from "../../event/codec.ts";
import type { Registry } from "../../event/registry.ts";
import type { EventTopic } from "../../event/schemas.ts";
import type { Headers } from "../../event/workflow.ts";
import type { SignEntry } from "../../signature/entry-signature.ts";
import { type FoundTopic, type LogClient, withAdmin } from "../log-client.ts";
import { Partitioning } from "../partition.ts";
import { fetchPartitionCount, TOPICS, topicName } from "../topics.ts";
import type { Batch } from "./produce-queue.ts";
import type { PublishedMessage, Publisher } from "./publish.ts";

/** What a topic's events need beyond themselves: the id of their schema, and how many partitions there are. */
interface Opened {
  readonly schemaId: number;
  readonly partitioning: Partitioning;
}

export interface WriterParts {
  readonly client: LogClient;
  readonly registry: Registry;
  readonly publisher: Publisher;
  readonly namespace: string;
  readonly eventBytesMax: number;
  /** Signs what goes to the audit topic. */
  readonly sign: SignEntry;
}

/** Turns one topic's checked events into messages, by the topic's schema and key. */
export class EventWriter {
  readonly #topic: EventTopic;
  readonly #topicName: string;
  readonly #parts: WriterParts;
  #opening: Promise<Opened> | undefined;
  #opened: Opened | undefined;
  /** How many events, written while the topic opened, are on their way into the publisher; later ones queue behind them. */
  #waiting = 0;
  #waitingBytes = 0;

  constructor(topic: EventTopic, parts: WriterParts) {
    this.#topic = topic;
    this.#topicName = topicName(parts.namespace, topic);
    this.#parts = parts;
  }

  /**
   * Registers the schema and looks the partitions up, once; a failure is forgotten, so that the next call tries again.
   * @throws TradetapeError registry_refused, registry_unreachable, topic_missing, broker_unreachable
   */
  open(): Promise<Opened> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  async #open(): Promise<Opened> {
    const { client, registry } = this.#parts;
    // The topic is looked up first, so that no schema is registered for one that is missing.
    const partitions = await withAdmin(client, (admin) => fetchPartitionCount(admin, this.#topicName));
    const schemaId = await registry.register(this.#topicName, this.#topic);
    this.#opened = { schemaId, partitioning: new Partitioning(partitions) };
    return this.#opened;
  }

  /**
   * Writes an event in its turn and gives the promise of its batch's acknowledgement. The event is encoded before this
   * returns: the caller may change it afterwards.
   * @throws TradetapeError input_invalid when it is too large, publisher_full
   */
  write(event: object, headers?: Headers): Promise<void> {
    if (this.#opened !== undefined && this.#waiting === 0) return this.admit(event, headers).acked;
    const value = this.#encode(0, event);
    this.#parts.publisher.requireSpace(this.#waitingBytes);
    this.#waiting++;
    this.#waitingBytes += value.length;
    const admitted = this.open().then((opened) => {
      stampSchemaId(value, opened.schemaId);
      return this.#parts.publisher.admit(this.#message(opened, event, value, headers));
    });
    const leave = () => {
      this.#waiting--;
      this.#waitingBytes -= value.length;
    };
    admitted.then(leave, leave);
    return admitted.then((batch) => batch.acked);
  }

  /** Takes note of how many partitions the topic has now: later events are spread over all of them. */
  spreadOver(topics: ReadonlyMap<string, FoundTopic>): void {
    const partitions = topics.get(this.#topicName)?.partitions;
    const opened = this.#opened;
    if (opened === undefined || partitions === undefined || partitions === opened.partitioning.partitions) return;
    this.#opened = { ...opened, partitioning: new Partitioning(partitions) };
  }

  /** Resolves when `open` has ended either way, and every event that waited for it is in the publisher. */
  async settled(): Promise<void> {
    await Promise.allSettled([this.#opening]);
  }

  /** Writes an event without a promise of its own. @throws Error before `open` has resolved: a bug of the caller's */
  admit(event: object, headers?: Headers): Batch {
    const opened = this.#opened;
    if (opened === undefined) throw new Error(`${this.#topicName}: admit before open`);
    const value = this.#encode(opened.schemaId, event);
    return this.#parts.publisher.admit(this.#message(opened, event, value, headers));
  }

  #encode(schemaId: number, event: object): Buffer {
    const value = encodeEvent(this.#topic, schemaId, event);
    const { eventBytesMax } = this.#parts;
    if (value.length <= eventBytesMax) return value;
    const message = `${this.#topic}: the event has ${value.length} bytes, ${eventBytesMax} are allowed`;
    throw new TradetapeError("input_invalid", message, {
      next: "Store what is large elsewhere and publish its address.",
    });
  }

  #message(opened: Opened, event: object, value: Buffer, headers: Headers | undefined): PublishedMessage {
    const { key } = TOPICS[this.#topic];
    const text = key === null ? null : ((event as Record<string, unknown>)[key] as string);
    const placement = text === null ? { key: null, partition: 0 } : opened.partitioning.place(text);
    const message = { topicName: this.#topicName, partition: placement.partition, key: placement.key, value };
    if (this.#topic !== "audit") return headers === undefined ? message : { ...message, headers };
    return { ...message, headers: { ...headers, ...this.#parts.sign(this.#topicName, value) } };
  }
}
