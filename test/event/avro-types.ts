import avsc from "avsc";
import { EVENT_SCHEMAS, type EventName } from "../../src/event/schemas.ts";

/** Each event's own schema as avsc reads it, without the strictness of ours: what another program writes and reads by. */
export const AVRO_TYPES = Object.fromEntries(
  Object.values(EVENT_SCHEMAS).map(({ event, json }) => [event, avsc.Type.forSchema(JSON.parse(json))]),
) as Readonly<Record<EventName, avsc.Type>>;
