import { TradetapeError } from "../errors.ts";
import { completeEvent, type Incomplete } from "../event/complete.ts";
import type { EventOfTopic } from "../event/events.ts";
import { EVENT_BY_TOPIC, EVENT_SCHEMAS, type EventTopic, TIME_FIELDS } from "../event/schemas.ts";
import type { InputRecord, Program } from "./program.ts";
import { throughJson } from "./snapshot.ts";

/** An event that a program is to be shown. */
export type PlayedEvent = {
  [T in EventTopic]: {
    readonly topic: T;
    readonly event: Incomplete<T>;
    /** The broker's time, microseconds since 1970. Default: the latest time of any event so far, its own among them. */
    readonly publishedAt?: number;
  };
}[EventTopic];

/** An event that a program has published. */
export type PublishedEvent = {
  [T in EventTopic]: {
    readonly topic: T;
    readonly event: EventOfTopic[T];
    readonly headers: Readonly<Record<string, string>>;
  };
}[EventTopic];

/** Where a program that was played has stopped. */
export interface PlaySnapshot {
  /** How many of the events it has taken. */
  readonly taken: number;
  /** All that it remembers, as it is kept in the topic `snapshots`. */
  readonly state: unknown;
  /** The latest time so far, microseconds since 1970. */
  readonly time: number;
}

/** How a program is played. */
export interface PlayOptions {
  /** What the run belongs to. Default null: live trading. */
  readonly session?: string | null;
  /** Where a play before this one has stopped: it goes on with that state, behind the events that were taken. */
  readonly from?: PlaySnapshot;
  /** Stops when so many of the events are taken, as a process that is killed there. Default: all. */
  readonly until?: number;
}

/** What came of a play. */
export interface Play {
  readonly published: readonly PublishedEvent[];
  readonly snapshot: PlaySnapshot;
}

/**
 * Plays a program on events in memory, for its author's tests: no Kafka, no database, and no clock but the events' own times.
 * What it publishes to a topic that it reads it is shown at once. Where it takes all, a program with an `idle` has its turn.
 * @throws TradetapeError input_invalid for an event that isn't one, and what the program throws
 */
export function playProgram(program: Program, events: readonly PlayedEvent[], options: PlayOptions = {}): Play {
  const { session = null, from = { taken: 0, state: undefined, time: 0 }, until = Number.POSITIVE_INFINITY } = options;
  const end = Math.min(until, events.length);
  const machine = program.open(() => true, from.state, session);
  const published: PublishedEvent[] = [];
  let { time } = from;
  const take = ({ topic, event, publishedAt }: PlayedEvent, offset: number): void => {
    const whole = wholeEvent(topic, event, offset);
    time = publishedAt ?? Math.max(time, ...TIME_FIELDS[topic].map((field) => Number(whole[field] ?? 0)));
    if (program.reads.includes(topic)) {
      tell(
        machine.take({ topic, event: whole as never, partition: 0, offset, publishedUs: time } as InputRecord),
        offset,
      );
    }
  };
  const tell = (given: readonly PublishedEvent[], offset: number): void => {
    for (const one of given) {
      published.push(one);
      if (program.reads.includes(one.topic)) take(one as PlayedEvent, offset);
    }
  };
  for (let n = from.taken; n < end; n++) take(events[n]!, n);
  if (end === events.length) tell(machine.idle?.(time) ?? [], events.length);
  const state = machine.save === undefined ? undefined : throughJson(program.name, machine.save());
  return { published, snapshot: { taken: Math.max(from.taken, end), state, time } };
}

/** The event as it is read from a log: checked, with its id, and null where its writer had no field. */
function wholeEvent(topic: EventTopic, event: unknown, n: number): Readonly<Record<string, unknown>> {
  const complete = completeEvent(topic, event);
  if (typeof complete === "string") {
    const next = "Mend the events that the program is played on: docs/rules.md has the rules.";
    throw new TradetapeError("input_invalid", `event ${n}: ${topic}: ${complete}`, { next });
  }
  const defaults = EVENT_SCHEMAS[EVENT_BY_TOPIC[topic]].fields.map((field) => [field.name, field.default ?? null]);
  return { ...Object.fromEntries(defaults), ...complete };
}
