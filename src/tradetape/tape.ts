import type { Agent, AgentOptions } from "../agent/agent.ts";
import type { Incomplete } from "../event/complete.ts";
import type { EventTopic } from "../event/schemas.ts";
import type { Headers } from "../event/workflow.ts";
import type { SubscribeOptions, Subscription } from "../reading/subscription.ts";

/** What `publish` may be told beside the event. */
export interface PublishOptions {
  /** Kafka headers: correlation ids and the like. Consumers keep them with a letter; tables don't hold them. */
  readonly headers?: Headers;
}

/** How far `publishAll` is. */
export interface PublishProgress {
  /** Events taken from the source. */
  readonly admitted: number;
  /** Events that every replica has. */
  readonly acked: number;
  /** How many events, counted from the source's first one, are acknowledged without a gap. */
  readonly ackedInOrder: number;
}

/** What `publishAll` may be told beside the source. */
export interface PublishAllOptions {
  /** Called whenever the broker has acknowledged events. */
  readonly onAcked?: (progress: PublishProgress) => void;
}

/** Events, or arrays of events, in the order they are to be published in. */
export type EventSource<E> = Iterable<E | readonly E[]> | AsyncIterable<E | readonly E[]>;

/** A connection that publishes events, and subscribes to them. Made by `connect`. */
export interface Tape {
  /**
   * Publishes one event and resolves when every replica has it. Events of one key keep the order of their calls, also
   * when the calls aren't awaited one by one. An event's own id that is missing is filled in where `Incomplete` lets it be
   * missing, and its times may be of any form. A time that landing would set aside is refused: in the first quarter of 1970
   * (`TRADETAPE_EARLY_1970`), or more than two days ahead of the broker's, which its last acknowledgement told; our own
   * clock counts before the first. Awaiting is the back-pressure: who doesn't gets publisher_full.
   *
   * A rejected event is not in the table, or, when the broker's answer was lost, it is: publish it again, the same id
   * lands once. What was published after it has kept its place.
   * @throws TradetapeError input_invalid (what is wrong with the event), publish_refused, publisher_full, and on a
   * topic's first event registry_refused, registry_unreachable, topic_missing
   */
  publish<T extends EventTopic>(topic: T, event: Incomplete<T>, options?: PublishOptions): Promise<void>;

  /**
   * Publishes all events of a source, in its order per key, reading no faster than the broker acknowledges. At the
   * first event that is wrong, or that isn't acknowledged, it stops reading, waits for those on their way and throws.
   * @returns how many events were sent, all of them acknowledged
   * @throws TradetapeError as `publish`; the message says how many were acknowledged before
   */
  publishAll<T extends EventTopic>(
    topic: T,
    source: EventSource<Incomplete<T>>,
    options?: PublishAllOptions,
  ): Promise<{ sent: number }>;

  /**
   * What an agent publishes through: predict, decide, fill, perform. Costs nothing; make as many as there are actors,
   * strategies and sessions.
   * @throws TradetapeError input_invalid for an identity that can't be one
   */
  agent(options: AgentOptions): Agent;

  /**
   * Subscribes to topics: events as they come, typed, with what isn't an event as a value of its own kind. All settings are
   * the tape's. It resolves when it stands: what is published from then on comes, if `from` is "latest".
   * @throws TradetapeError input_invalid for topics or options that say nothing, topic_missing, broker_unreachable, acl_missing
   */
  subscribe<T extends EventTopic>(
    topics: T | readonly T[],
    options?: SubscribeOptions<NoInfer<T>>,
  ): Promise<Subscription<T>>;

  /**
   * Ends all subscriptions, waits until all that was admitted is acked or refused, then disconnects. A publish after it is
   * refused.
   */
  close(): Promise<void>;

  /** As `close`: `await using` calls it at the end of its block. */
  [Symbol.asyncDispose](): Promise<void>;
}
