import { shown } from "../../errors.ts";
import type { EventField } from "../../event/schemas.ts";
import { parseIso } from "../../event/time/iso.ts";
import { momentOf } from "../time.ts";
import type { ZoneClock } from "../zone.ts";
import { doubleOf, isRawNumber } from "./json-numbers.ts";

export type Fields = Record<string, unknown>;
/** Changes a parsed object into an event's fields in place; text is the reason why it can't be one. */
export type FieldStep = (fields: Fields) => string | null;

/** Whether numbers count by their text: in an object that becomes JSON text again, and in a field that is text. */
export function needsText(parsed: unknown, types: ReadonlyMap<string, EventField>): boolean {
  if (typeof parsed !== "object" || parsed === null) return false;
  for (const [name, value] of Object.entries(parsed)) {
    if (typeof value === "object" && value !== null && types.get(name)?.type === "json") return true;
    if (typeof value === "number" && types.get(name)?.type === "text") return true;
  }
  return false;
}

/** Turns a parsed object's members into the fields' own forms; the step's text is why one can't be. */
export function reader(fields: ReadonlyMap<string, EventField>, zone: ZoneClock | undefined): FieldStep {
  const nanos = fields.has("timestamp_ns");
  return (object) => {
    for (const name of Object.keys(object)) {
      const value = object[name];
      const field = fields.get(name);
      if (field === undefined || value === null) continue;
      const wrong = isRawNumber(value)
        ? readRaw(object, field, value.rawJSON)
        : readValue(object, field, value, zone, nanos);
      if (wrong !== null) return wrong;
    }
    return null;
  };
}

/** A number whose text says more than its double does. */
function readRaw(object: Fields, field: EventField, text: string): string | null {
  if (field.type === "text" || field.type === "json") {
    object[field.name] = text;
    return null;
  }
  const value = doubleOf({ rawJSON: text });
  const whole = field.type === "timestamp" || field.type === "long" || field.type === "int";
  if (value === undefined || (whole && !Number.isSafeInteger(value))) {
    return `${field.name} ${text} has more digits than the field can hold`;
  }
  object[field.name] = value;
  return null;
}

function readValue(
  object: Fields,
  field: EventField,
  value: unknown,
  zone: ZoneClock | undefined,
  nanos: boolean,
): string | null {
  const { name, type } = field;
  if (type === "uuid" && typeof value === "string") object[name] = value.toLowerCase();
  else if (type === "json" && typeof value !== "string") object[name] = JSON.stringify(value);
  else if (type === "text" && !field.symbols && typeof value === "number") object[name] = String(value);
  else if (type === "timestamp" && typeof value === "string") {
    return readIso(object, name, value, zone, nanos && name === "timestamp");
  }
  return null;
}

function readIso(
  object: Fields,
  name: string,
  text: string,
  zone: ZoneClock | undefined,
  nanos: boolean,
): string | null {
  const time = parseIso(text);
  if (typeof time === "string") return `${name}: ${time}`;
  const moment = momentOf(time, zone);
  if (typeof moment === "string") return `${name}: ${moment}`;
  if (moment.ns !== 0) {
    if (!nanos) return `${name} ${shown(text)} has more digits than microseconds`;
    object.timestamp_ns ??= moment.ns;
    if (object.timestamp_ns !== moment.ns) {
      return `${name} ${shown(text)} ends with ${moment.ns} nanoseconds, and timestamp_ns is ${object.timestamp_ns}`;
    }
  }
  object[name] = moment.us;
  return null;
}
