import type { EventOfTopic } from "../event/events.ts";
import type { LetterReason } from "../event/letter.ts";
import type { EventTopic } from "../event/schemas.ts";

/** A message's key, or what one of its headers holds: text where the bytes are UTF-8. */
export type MessageBytes = string | Buffer | null;

/** Where a message of a subscription lies, whatever its kind. */
export interface MessagePlace<T extends EventTopic> {
  readonly topic: T;
  readonly partition: number;
  readonly offset: number;
  /**
   * Acknowledges it: done with. The group's mark goes on to the first message of the partition that isn't acknowledged, in
   * whatever order they are. Resolves when Kafka has the mark.
   * @returns false where the group's mark isn't kept by this subscription any more, since another member has the partition
   * or the subscription has ended: it may come again
   * @throws TradetapeError input_invalid where the subscription has no group
   */
  ack(): Promise<boolean>;
}

/** What a message of a record holds beside its place. */
export interface MessageRecord<T extends EventTopic> extends MessagePlace<T> {
  readonly key: MessageBytes;
  /** By name; the values of a name that comes more than once are a list. */
  readonly headers: Readonly<Record<string, MessageBytes | readonly MessageBytes[]>>;
}

/** An event of a topic, as `tape.subscribe` brings it: it keeps the rules, but for those of its parents. */
export interface EventMessage<T extends EventTopic> extends MessageRecord<T> {
  readonly kind: "event";
  /** Every field is set: null, or the default, where its writer had none. */
  readonly event: Required<EventOfTopic[T]>;
  /** The broker's time of the record, microseconds since 1970. */
  readonly publishedAt: number;
}

/** A record that becomes a dead letter where it lands: no event, or one that breaks a rule. */
export interface PoisonMessage<T extends EventTopic> extends MessageRecord<T> {
  readonly kind: "poison";
  /** As `tradetape.dead_letter` has it. */
  readonly reason: LetterReason;
  /** What is wrong with it, for people. */
  readonly detail: string;
  /** Its fields, unchecked; null where it can't be read. */
  readonly event: Readonly<Record<string, unknown>> | null;
  /** The record's bytes. */
  readonly value: Buffer | null;
  /** Null where the record has its producer's time. */
  readonly publishedAt: number | null;
}

/** What was to be read and is gone from the log, as retention takes it: the offsets from `offset` to before `next`. */
export interface GoneMessage<T extends EventTopic> extends MessagePlace<T> {
  readonly kind: "gone";
  readonly next: number;
}

/** What a subscription brings; `kind` tells which it is, and `topic` which event. */
export type Message<T extends EventTopic = EventTopic> = {
  [K in T]: EventMessage<K> | PoisonMessage<K> | GoneMessage<K>;
}[T];
