import type { EventOfTopic } from "./events.ts";
import { type OWN_ID, OWN_ID_OF, type OwnId, type OwnIdField } from "./identity.ts";
import type { EventTopic } from "./schemas.ts";
import { checkEvent } from "./validate.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Stands in for an id that isn't made yet, so that the key's ingredients are checked before anything hashes them. */
export const NIL_UUID = "00000000-0000-0000-0000-000000000000";

/**
 * What a caller of `publish` may give: an event that lacks its own id where its other fields make one, which holds for
 * every kind whose `made` in `OWN_ID` isn't null. A tick's fields make one only with `trade_id`, a quote's
 * only with `sequence`.
 */
export type Incomplete<T extends EventTopic> = T extends EventTopic
  ? (typeof OWN_ID)[T]["made"] extends null
    ? EventOfTopic[T]
    : Omit<EventOfTopic[T], OwnIdField<T>> & { [F in OwnIdField<T>]?: string }
  : never;

/**
 * The checked event, with its own id made where it has none and `OWN_ID` says how; or, as text, the sentence that says
 * what is wrong. Never throws on bad data, never changes the event it is given.
 */
export function completeEvent<T extends EventTopic>(topic: T, event: unknown): EventOfTopic[T] | string {
  const { field, made, ofRun }: OwnId<T> = OWN_ID_OF[topic];
  const given = event as Fields | null | undefined;
  if (made === null || typeof given !== "object" || given === null || (given[field] ?? null) !== null) {
    return checkEvent(topic, event) ?? (event as EventOfTopic[T]);
  }
  const complete: unknown = { ...given, [field]: NIL_UUID };
  const wrong = checkEvent(topic, complete);
  if (wrong !== null) return wrong;
  const checked = complete as EventOfTopic[T];
  return ofRun?.lacks(checked) ?? Object.assign(checked, { [field]: made(checked) });
}
