import { completeEvent } from "../event/complete.ts";
import type { EventOfTopic, TickEvent } from "../event/events.ts";
import { OccurrenceCounter } from "../event/occurrence.ts";
import { EVENT_BY_TOPIC, EVENT_SCHEMAS, type EventField, type EventTopic } from "../event/schemas.ts";
import { checkEvent } from "../event/validate.ts";
import { shown } from "./decimal.ts";
import type { Format, Opening } from "./format.ts";
import { toldInterval } from "./interval.ts";
import { doubleOf, isRawNumber, parseExactly } from "./json-numbers.ts";
import { type FeedSymbol, parseSymbol } from "./symbol.ts";
import { momentOf, outsideRange, parseIso } from "./time.ts";
import { ZoneClock } from "./zone.ts";

type Fields = Record<string, unknown>;
/** Changes a parsed object into an event's fields in place; text is the reason why it can't be one. */
type Step = (fields: Fields) => string | null;

/** An event of at most 4 MiB in Avro, as text with its names and escapes. */
const JSON_LINE_BYTES_MAX = 8 * 1024 * 1024;

/** Numbers below are milliseconds or seconds by mistake: as microseconds they lie before March 1973. */
const MICROS_MIN = 1e14;
/** The times by which events are ordered and landed, checked as to their size; others may be any time. */
const EVENT_TIMES = new Set(["timestamp", "window_start", "window_end"]);
const NIL_UUID = "00000000-0000-0000-0000-000000000000";

/**
 * One JSON object per line, its members named like the event's fields. Deterministic ids may be left out; times are ISO
 * text or whole microseconds; JSON fields may be objects; numbers beyond a double are kept or rejected, never rounded.
 */
export function jsonLines<T extends EventTopic>(topic: T): Format<T> {
  const schema = EVENT_SCHEMAS[EVENT_BY_TOPIC[topic]];
  const has = new Set(schema.fields.map((field) => field.name));
  return {
    name: "jsonl",
    about: `JSON lines: one ${schema.event} per line, with the fields of schemas/${schema.event}.avsc`,
    lineBytesMax: JSON_LINE_BYTES_MAX,
    detects: (first) => /^\s*\{/.test(first),
    open({ options }) {
      const zone = options.tz === undefined ? undefined : new ZoneClock(options.tz);
      const symbol = options.symbol === undefined ? undefined : parseSymbol(options.symbol);
      const flagged = flags(options, symbol).filter(([name]) => has.has(name));
      const read = reader(schema.fields, zone);
      const fill = (fields: Fields) => fillFlags(fields, flagged);
      const finish = topic === "ticks" ? tickFinisher() : (fields: Fields) => completeEvent(topic, fields);
      const named = Object.fromEntries(flagged.filter(([name]) => name === "source" || name === "interval"));
      return {
        described: { ...named, ...(zone ? { tz: zone.name } : {}), ...(symbol ? { symbol: symbol.text } : {}) },
        symbols: symbol !== undefined && topic !== "symbols" ? [symbol.event] : [],
        header: false,
        convert: (text) => convert(text, [read, fill], finish as (fields: Fields) => EventOfTopic[T] | string),
      };
    },
  };
}

/** What the flags say about fields that lines may leave out. */
function flags(options: Opening["options"], symbol: FeedSymbol | undefined): [string, string][] {
  const given: [string, string | undefined][] = [
    ["symbol_id", symbol?.id],
    ["source", options.source],
    ["interval", toldInterval(options.interval)],
    ["backtest_session_id", options.session],
  ];
  return given.filter((entry): entry is [string, string] => entry[1] !== undefined);
}

function fillFlags(fields: Fields, flagged: readonly [string, string][]): string | null {
  for (const [name, value] of flagged) {
    const own = fields[name] ?? null;
    if (own !== null && own !== value) return `${name} differs from what the command line says`;
    fields[name] = value;
  }
  return null;
}

function convert<E>(text: string, steps: readonly Step[], finish: (fields: Fields) => E | string): E | string {
  let parsed: unknown;
  try {
    parsed = parseExactly(text, false);
    if (needsText(parsed)) parsed = parseExactly(text, true);
  } catch {
    return `the line is no JSON: ${shown(text)}`;
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return "the line is no JSON object";
  const fields = parsed as Fields;
  for (const step of steps) {
    const wrong = step(fields);
    if (wrong !== null) return wrong;
  }
  const event = finish(fields);
  if (typeof event === "string") return event;
  for (const name of EVENT_TIMES) {
    const time = fields[name];
    const outside = typeof time === "number" ? outsideRange(time) : null;
    if (outside !== null) return `${name}: ${outside}`;
  }
  return event;
}

/** Whether numbers may have to be taken by their text: in a nested object, which becomes JSON text again. */
function needsText(parsed: unknown): boolean {
  if (typeof parsed !== "object" || parsed === null) return false;
  for (const value of Object.values(parsed)) if (typeof value === "object" && value !== null) return true;
  return false;
}

function reader(fields: readonly EventField[], zone: ZoneClock | undefined): Step {
  const byName = new Map(fields.map((field) => [field.name, field]));
  return (object) => {
    for (const name of Object.keys(object)) {
      const value = object[name];
      const field = byName.get(name);
      if (field === undefined || value === null) continue;
      const wrong = isRawNumber(value) ? readRaw(object, field, value.rawJSON) : readValue(object, field, value, zone);
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
  return field.type === "timestamp" ? readMicros(field.name, value) : null;
}

function readValue(object: Fields, field: EventField, value: unknown, zone: ZoneClock | undefined): string | null {
  const { name, type } = field;
  if (type === "uuid" && typeof value === "string") object[name] = value.toLowerCase();
  else if (type === "json" && typeof value !== "string") object[name] = JSON.stringify(value);
  else if (type === "text" && !field.symbols && typeof value === "number") object[name] = String(value);
  else if (type === "timestamp" && typeof value === "number") return readMicros(name, value);
  else if (type === "timestamp" && typeof value === "string") return readIso(object, name, value, zone);
  return null;
}

function readMicros(name: string, value: number): string | null {
  if (!EVENT_TIMES.has(name) || value <= 0 || value >= MICROS_MIN) return null;
  return `${name} ${value} isn't whole microseconds since 1970: multiply it, or write ISO text`;
}

function readIso(object: Fields, name: string, text: string, zone: ZoneClock | undefined): string | null {
  const time = parseIso(text);
  if (typeof time === "string") return `${name}: ${time}`;
  const moment = momentOf(time, zone);
  if (typeof moment === "string") return `${name}: ${moment}`;
  if (moment.ns !== 0) {
    if (name !== "timestamp" || !("close" in object) || "open" in object || (object.timestamp_ns ?? 0) !== 0) {
      return `${name} ${shown(text)} has more digits than microseconds`;
    }
    object.timestamp_ns = moment.ns;
  }
  object[name] = moment.us;
  return null;
}

/** Ticks without the venue's id are told apart within the file, like those of every other format. */
function tickFinisher(): (fields: Fields) => TickEvent | string {
  const counter = new OccurrenceCounter();
  return (fields) => {
    if ((fields.market_data_id ?? fields.trade_id ?? null) !== null) return completeEvent("ticks", fields);
    fields.market_data_id = NIL_UUID;
    const wrong = checkEvent("ticks", fields);
    if (wrong !== null) return wrong;
    const made = counter.idOf(fields as unknown as TickEvent);
    if (typeof made === "string") return made;
    fields.market_data_id = made.id;
    return fields as unknown as TickEvent;
  };
}
