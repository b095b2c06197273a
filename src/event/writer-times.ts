import type avsc from "avsc";
import { logicalTypeOf } from "./avro/logical-types.ts";
import { Refusal } from "./letter.ts";
import { EVENT_SCHEMAS, type EventField, type EventName } from "./schemas.ts";
import { branchesOf } from "./wire-layout.ts";

/** A time that a writer counts in another unit than ours, the microsecond. */
export interface ForeignTime {
  readonly name: string;
  readonly unit: "milliseconds" | "nanoseconds";
  /** What becomes of the nanoseconds below the microsecond: dropped, put into `timestamp_ns`, or compared with it. */
  readonly rest: "dropped" | "kept" | "compared";
}

const UNIT_BY_FORM = {
  "long (timestamp-micros)": "microseconds",
  "long (timestamp-millis)": "milliseconds",
  "long (timestamp-nanos)": "nanoseconds",
} as const;
const TIME_WANTED = "long with the logicalType timestamp-micros, timestamp-millis or timestamp-nanos";

/** The types that may be read as ours, as `formOf` tells them; ours itself is the first. */
const READABLE: Readonly<Record<EventField["type"], readonly string[]>> = {
  uuid: ["string", "bytes"],
  json: ["string", "bytes"],
  text: ["string", "bytes"],
  texts: ["array of string", "array of bytes"],
  timestamp: Object.keys(UNIT_BY_FORM),
  long: ["long", "int"],
  int: ["int"],
  double: ["double", "float", "long", "int"],
  boolean: ["boolean"],
};

/** Logical types by which a number or bytes mean something else than a number or a text. Avro ignores all unknown ones. */
const ANOTHER_MEANING: ReadonlySet<string> = new Set([
  ...["decimal", "big-decimal", "duration", "date", "time-millis", "time-micros"],
  ...["millis", "micros", "nanos"].flatMap((unit) => [`timestamp-${unit}`, `local-timestamp-${unit}`]),
]);

/**
 * The times that a writer counts in another unit; or why none of its events can be read. Avro's own rules, which avsc
 * keeps, leave logical types aside, so a time in milliseconds would be read as one in microseconds, in January 1970.
 * @param writer a record made by `strictType`
 */
export function foreignTimes(event: EventName, writer: avsc.Type): readonly ForeignTime[] | Refusal {
  const written = new Map((writer as avsc.types.RecordType).fields.map(({ name, type }) => [name, type]));
  const foreign: ForeignTime[] = [];
  for (const field of EVENT_SCHEMAS[event].fields) {
    const { name } = field;
    const type = written.get(name);
    if (type === undefined) continue;
    const wrong = misfit(field, type);
    if (wrong !== undefined) return wrong;
    const unit = field.type === "timestamp" ? unitOf(type) : undefined;
    if (unit === undefined || unit === "microseconds") continue;
    const hasRest = name === "timestamp" && EVENT_SCHEMAS[event].fields.some((own) => own.name === "timestamp_ns");
    foreign.push({ name, unit, rest: !hasRest ? "dropped" : written.has("timestamp_ns") ? "compared" : "kept" });
  }
  return foreign;
}

function misfit({ name, type, nullable, symbols }: EventField, written: avsc.Type): Refusal | undefined {
  const readable = symbols === undefined ? READABLE[type] : ["enum"];
  const branches = branchesOf(written);
  const values = branches.filter(({ typeName }) => typeName !== "null");
  const isUnderstood = values.every((value) => readable.includes(formOf(value, ANOTHER_MEANING)));
  if (isUnderstood && (nullable || values.length === branches.length)) return undefined;
  const found = branches.map((branch) => formOf(branch)).join(" or ");
  const said = `${name} is ${found}; write ${type === "timestamp" ? TIME_WANTED : readable[0]}`;
  return type === "timestamp" && !isUnderstood
    ? new Refusal("time_unit", `its schema doesn't say what the time counts: ${said}`, name)
    : new Refusal("undecodable", `its schema can't be read as ours: ${said}`, name);
}

/** A type's name, and in brackets its logical type, all of them or those that are `telling`. */
function formOf(type: avsc.Type, telling?: ReadonlySet<string>): string {
  if (type.typeName === "array") {
    const items = branchesOf((type as avsc.types.ArrayType).itemsType).map((item) => formOf(item, telling));
    return `array of ${items.join(" or ")}`;
  }
  const logical = logicalTypeOf(type);
  return logical === undefined || telling?.has(logical) === false ? type.typeName : `${type.typeName} (${logical})`;
}

/** Of a time that may be read; Avro allows one long in a union, so the time has one unit. */
function unitOf(type: avsc.Type): (typeof UNIT_BY_FORM)[keyof typeof UNIT_BY_FORM] | undefined {
  const long = branchesOf(type).find(({ typeName }) => typeName === "long");
  return long && UNIT_BY_FORM[formOf(long) as keyof typeof UNIT_BY_FORM];
}

type Event = Record<string, unknown>;

/** Counts the event's foreign times in microseconds, in place. @returns why it can't, where it can't */
export function countInMicros(event: Event, times: readonly ForeignTime[]): Refusal | undefined {
  for (const time of times) {
    const { name, unit } = time;
    const value = event[name] as number | bigint | null;
    if (value === null) continue;
    const us = typeof value === "number" ? value * 1000 : Number(microsOf(value));
    if (!Number.isSafeInteger(us)) {
      return new Refusal("invalid", `${name} is ${value} ${unit} since 1970, more than 2^53 microseconds`, name);
    }
    event[name] = us;
    if (time.rest === "dropped" || typeof value === "number") continue;
    const rest = Number(value - 1000n * microsOf(value));
    if (time.rest === "compared" && event.timestamp_ns !== rest) {
      const said = `${event.timestamp_ns}, but timestamp ends with ${rest} nanoseconds; leave timestamp_ns out`;
      return new Refusal("invalid", `timestamp_ns is ${said}`, "timestamp_ns");
    }
    event.timestamp_ns = rest;
  }
  return undefined;
}

/** Rounded down, also before 1970. */
const microsOf = (ns: bigint): bigint => (ns - (((ns % 1000n) + 1000n) % 1000n)) / 1000n;
