import type { EventOfTopic, TimeField } from "./events.ts";
import { type OWN_ID, OWN_ID_OF, type OwnId, type OwnIdField } from "./identity.ts";
import { NO_RULES_OFF, type RulesOff } from "./rules.ts";
import { EVENT_BY_TOPIC, EVENT_SCHEMAS, EVENT_TOPICS, type EventTopic, TIME_FIELDS } from "./schemas.ts";
import { readMicros, readMoment, type Time } from "./time/micros.ts";
import { checkEvent } from "./validate.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Stands in for an id that isn't made yet, so that the key's ingredients are checked before anything hashes them. */
export const NIL_UUID = "00000000-0000-0000-0000-000000000000";

/** The same with its times in any form. */
export type AnyTimes<E> = { [F in keyof E]: F extends TimeField ? E[F] | Time : E[F] };

/**
 * What a caller of `publish` may give: an event that lacks its own id where its other fields make one, which holds for
 * every kind whose `made` in `OWN_ID` isn't null, and whose times are of any form. A tick's fields make an id only with
 * `trade_id`, a quote's only with `sequence`.
 */
export type Incomplete<T extends EventTopic> = T extends EventTopic
  ? AnyTimes<
      (typeof OWN_ID)[T]["made"] extends null
        ? EventOfTopic[T]
        : Omit<EventOfTopic[T], OwnIdField<T>> & { [F in OwnIdField<T>]?: string }
    >
  : never;

/** Each topic's times, and beside each the field for its nanoseconds where there is one: `timestamp_ns` of a tick. */
const TIMES = Object.fromEntries(
  EVENT_TOPICS.map((topic) => {
    const names = new Set(EVENT_SCHEMAS[EVENT_BY_TOPIC[topic]].fields.map(({ name }) => name));
    const finer = (name: string) => (names.has(`${name}_ns`) ? `${name}_ns` : undefined);
    return [topic, TIME_FIELDS[topic].map((name) => ({ name, finer: finer(name) }))];
  }),
) as Record<EventTopic, { readonly name: string; readonly finer: string | undefined }[]>;

/** The event with its times in microseconds, itself where they are that already; text is what is wrong with one of them. */
function inMicros(topic: EventTopic, event: Fields): Fields | string {
  let own: Record<string, unknown> | undefined;
  for (const { name, finer } of TIMES[topic]) {
    const value = event[name];
    if (typeof value === "number" || value === null || value === undefined) continue;
    own ??= { ...event };
    const wrong = finer === undefined ? putMicros(own, name) : putTime(own, name, finer);
    if (wrong !== null) return `${name} ${wrong}`;
  }
  return own ?? event;
}

function putMicros(event: Record<string, unknown>, name: string): string | null {
  const us = readMicros(event[name]);
  if (typeof us === "string") return us;
  event[name] = us;
  return null;
}

function putTime(event: Record<string, unknown>, name: string, finer: string): string | null {
  const read = readMoment(event[name]);
  if (typeof read === "string") return read;
  event[name] = read.us;
  if (read.ns === null) return null;
  const given = event[finer] ?? read.ns;
  event[finer] = read.ns;
  return given === read.ns ? null : `has ${read.ns} nanoseconds below its microsecond, and ${finer} is ${given}`;
}

/**
 * The checked event, with its times in microseconds, and its own id made where it has none and `OWN_ID` says how; or, as
 * text, the sentence that says what is wrong. Never throws on bad data, never changes the event it is given.
 * @param off rules that are not asked
 */
export function completeEvent<T extends EventTopic>(
  topic: T,
  event: unknown,
  off: RulesOff = NO_RULES_OFF,
): EventOfTopic[T] | string {
  const { field, made, ofRun }: OwnId<T> = OWN_ID_OF[topic];
  if (typeof event !== "object" || event === null) return checkEvent(topic, event)!;
  const given = inMicros(topic, event as Fields);
  if (typeof given === "string") return given;
  if (made === null || (given[field] ?? null) !== null) {
    return checkEvent(topic, given, off) ?? (given as EventOfTopic[T]);
  }
  const complete: unknown = { ...given, [field]: NIL_UUID };
  const wrong = checkEvent(topic, complete, off);
  if (wrong !== null) return wrong;
  const checked = complete as EventOfTopic[T];
  return ofRun?.lacks(checked) ?? Object.assign(checked, { [field]: made(checked) });
}
