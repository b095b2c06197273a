import avsc from "avsc";
import { strictType } from "../../src/event/avro/strict-types.ts";
import type { WriterSchema } from "../../src/event/registry.ts";
import { EVENT_SCHEMAS, type EventName } from "../../src/event/schemas.ts";

/** Each event's own schema as avsc reads it, without the strictness of ours: what another program writes and reads by. */
export const AVRO_TYPES = Object.fromEntries(
  Object.values(EVENT_SCHEMAS).map(({ event, json }) => [event, avsc.Type.forSchema(JSON.parse(json))]),
) as Readonly<Record<EventName, avsc.Type>>;

/** The same as a registry of ours hands them out. */
export const OWN_WRITERS = Object.fromEntries(
  Object.values(EVENT_SCHEMAS).map(({ event, json }) => {
    return [event, { type: avsc.Type.forSchema(JSON.parse(json), { typeHook: strictType }) }];
  }),
) as Readonly<Record<EventName, WriterSchema>>;
