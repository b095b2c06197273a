import type { EventTopic } from "../event/schemas.ts";
import type { Time } from "../event/time/micros.ts";
import type { Message } from "./message.ts";

/**
 * Where reading begins: with what is published from now on, with the first event that the log holds, with the first one at or
 * after the broker's time, or with these offsets, by topic and partition; partitions that aren't named begin with their first.
 */
export type SubscribeFrom<T extends EventTopic = EventTopic> =
  | "latest"
  | "beginning"
  | { readonly time: Time }
  | { readonly offsets: { readonly [K in T]?: Readonly<Record<number, number>> } };

/** Partitions of which a member of a group is told that they come or go. */
export interface Rebalance<T extends EventTopic = EventTopic> {
  /** They are read from the group's marks on. */
  readonly gained: readonly { readonly topic: T; readonly partition: number }[];
  /** Nothing more of them is handed out; another member begins at the marks. */
  readonly lost: readonly { readonly topic: T; readonly partition: number }[];
}

/** What `subscribe` may be told beside the topics. */
export interface SubscribeOptions<T extends EventTopic = EventTopic> {
  /** "latest" without it; of a group, "beginning", and only for partitions of which the group has no mark yet. */
  readonly from?: SubscribeFrom<T>;
  /**
   * Subscriptions of one group, in whichever processes, share the partitions among them, and each event is handed out until it
   * is acknowledged: at least once.
   */
  readonly group?: string;
  /** Events of these instruments alone (`symbolId`). */
  readonly symbol?: string | readonly string[];
  /** Events of one session alone; null: events of no session. */
  readonly session?: string | null;
  /** Called when a group gives this member partitions or takes some. */
  onRebalance?(change: Rebalance<T>): void;
}

/**
 * Events as they come, for `for await`. Up to where the topics ended at the beginning they come by the broker's time, whatever
 * their topic and partition; each partition's always in their order. Nothing is read before it is asked for. What a transaction
 * hasn't committed isn't seen. An outage of the brokers or the registry is waited out, and told in the log. Leaving the loop
 * ends the subscription, and so does its end of `await using`.
 *
 * `next` throws TradetapeError history_lost where a log was cut below what was read or marked, batch_unreadable where a disk or
 * a network has spoilt it, and what a refused right or login comes to.
 */
export interface Subscription<T extends EventTopic = EventTopic> extends AsyncIterable<Message<T>> {
  /**
   * Acknowledges all messages that were handed out, as `ack` does one.
   * @returns false where some of them may come again
   * @throws TradetapeError input_invalid where the subscription has no group
   */
  ackAll(): Promise<boolean>;
  /** Ends it: waits for the marks of what was acknowledged, and leaves the group. */
  close(): Promise<void>;
  /** As `close`. */
  [Symbol.asyncDispose](): Promise<void>;
}
