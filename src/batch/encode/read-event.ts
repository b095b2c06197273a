import { Refusal } from "../../event/letter.ts";
import { type EventTopic, TIME_FIELDS } from "../../event/schemas.ts";
import { wrongTime } from "../../event/time/range.ts";
import type { Encoder } from "./encoder.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What of an encoder reading takes. */
export interface EventReading extends Pick<Encoder, "reader" | "eventBytesMax" | "early1970"> {
  readonly consumer: { readonly topic: EventTopic };
}

/** Reads a record's value: the event's fields, or why it is no event. Fetched and parked records are read alike. */
export function readEvent(encoder: EventReading, value: Buffer | null, publishedUs: number): Fields | Refusal {
  if (value !== null && value.length > encoder.eventBytesMax) {
    return new Refusal("too_large", `${value.length} bytes, more than ${encoder.eventBytesMax}`);
  }
  const event = encoder.reader.read(value);
  if (event instanceof Refusal) return event;
  const wrong = wrongTime(TIME_FIELDS[encoder.consumer.topic], event, encoder.early1970, publishedUs);
  return wrong === null ? event : new Refusal(wrong.reason, wrong.detail, wrong.field);
}
