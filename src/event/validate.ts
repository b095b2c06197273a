import { RULES } from "./rules.ts";
import type { EventField, EventTopic, FieldType } from "./schemas.ts";
import { EVENT_BY_TOPIC, EVENT_SCHEMAS, EVENT_TOPICS } from "./schemas.ts";

/** What is wrong with a value, as the end of a sentence that begins with the field's name; null when nothing is. */
type Check = (value: unknown) => string | null;
type Fields = Readonly<Record<string, unknown>>;

const INT_MAX = 2 ** 31 - 1;
const INT_MIN = -(2 ** 31);
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Lower case only: ids are message keys too, and two spellings of one id would go to two partitions. */
function checkUuid(value: unknown): string | null {
  if (typeof value !== "string") return "must be a UUID as text";
  return UUID.test(value) ? null : "must be a UUID in lower case, as in 0198c5a4-8f6e-7c3a-9d2b-5e4f3a2b1c0d";
}

/** Whether a value is a UUID as events spell it. */
export const isUuid = (value: unknown): value is string => checkUuid(value) === null;

/** PostgreSQL's text can't hold a NUL, and Avro's UTF-8 can't hold half a surrogate pair. */
function checkText(value: unknown): string | null {
  if (typeof value !== "string") return "must be text";
  if (value.includes("\0")) return "must not hold a NUL character";
  return value.isWellFormed() ? null : "must not hold a lone surrogate";
}

function checkTexts(value: unknown): string | null {
  if (!Array.isArray(value)) return "must be a list of texts";
  for (let i = 0; i < value.length; i++) {
    const wrong = checkText(value[i]);
    if (wrong !== null) return `item ${i} ${wrong}`;
  }
  return null;
}

function checkJson(value: unknown): string | null {
  if (typeof value !== "string") return "must be JSON text";
  const wrong = checkText(value);
  if (wrong !== null) return wrong;
  try {
    return storableInJsonb(JSON.parse(value), 0)
      ? null
      : `must not hold an escaped NUL or lone surrogate, nor more than ${JSON_DEPTH_MAX} levels`;
  } catch {
    return "must be valid JSON text";
  }
}

/** PostgreSQL reads jsonb by recursion and gives up at some thousand levels; no honest document has a hundred. */
const JSON_DEPTH_MAX = 100;

/** jsonb refuses NULs and half surrogate pairs, which an escape brings past a check of the text itself. */
function storableInJsonb(value: unknown, depth: number): boolean {
  if (typeof value === "string") return checkText(value) === null;
  if (typeof value !== "object" || value === null) return true;
  if (depth === JSON_DEPTH_MAX) return false;
  for (const [key, inner] of Object.entries(value)) {
    if (checkText(key) !== null || !storableInJsonb(inner, depth + 1)) return false;
  }
  return true;
}

const isInteger = (value: unknown, low: number, high: number) =>
  typeof value === "number" && Number.isInteger(value) && value >= low && value <= high;

const CHECKS: Readonly<Record<FieldType, Check>> = {
  uuid: checkUuid,
  text: checkText,
  texts: checkTexts,
  json: checkJson,
  double: (value) => (Number.isFinite(value) ? null : "must be a finite number"),
  int: (value) => (isInteger(value, INT_MIN, INT_MAX) ? null : "must be a whole number of 32 bits"),
  long: (value) => (Number.isSafeInteger(value) ? null : "must be a whole number within 2^53"),
  timestamp: (value) => (Number.isSafeInteger(value) ? null : "must be whole microseconds since 1970, within 2^53"),
  boolean: (value) => (typeof value === "boolean" ? null : "must be true or false"),
};

/** Most events of a run repeat their symbol, source and session: the same good text isn't examined again. */
function remembering(check: Check): Check {
  let good: unknown;
  return (value) => {
    if (value === good) return null;
    const wrong = check(value);
    if (wrong === null) good = value;
    return wrong;
  };
}

function checkOf(field: EventField): Check {
  if (field.symbols) {
    const symbols = new Set<unknown>(field.symbols);
    return (value) => (symbols.has(value) ? null : `must be one of ${field.symbols?.join(", ")}`);
  }
  const check = CHECKS[field.type];
  return field.type === "uuid" || field.type === "text" ? remembering(check) : check;
}

function unknownField(event: Fields, names: ReadonlySet<string>): string | null {
  for (const name of Object.keys(event)) {
    if (!names.has(name) && event[name] !== undefined) return `${name} is not a field of this event`;
  }
  return null;
}

function compile(topic: EventTopic): (event: Fields) => string | null {
  const { fields } = EVENT_SCHEMAS[EVENT_BY_TOPIC[topic]];
  const names = new Set(fields.map((field) => field.name));
  const checks = fields.map((field) => ({ ...field, check: checkOf(field) }));
  const rules = RULES[topic];
  return (event) => {
    let present = 0;
    for (const { name, check, nullable, hasDefault } of checks) {
      const value = event[name];
      if (value === undefined) {
        if (!hasDefault) return `${name} is missing`;
        continue;
      }
      present++;
      if (value === null && nullable) continue;
      const wrong = check(value);
      if (wrong !== null) return `${name} ${wrong}`;
    }
    // Counting is cheaper than looking each name up, and only a difference needs the look.
    let own = 0;
    for (const _ in event) own++;
    if (own !== present) {
      const unknown = unknownField(event, names);
      if (unknown !== null) return unknown;
    }
    for (const rule of rules) {
      if (rule.isBroken(event)) return rule.says;
    }
    return null;
  };
}

const compiled = Object.fromEntries(EVENT_TOPICS.map((topic) => [topic, compile(topic)])) as Record<
  EventTopic,
  (event: Fields) => string | null
>;

/**
 * What is wrong with an event, as a sentence without its full stop ("volume must not be negative"), or null when the
 * topic's schema and rules allow it. Never throws on bad data. Runs for every event published; a
 * landing relies on the types and the table's CHECKs, as events of other programs never came by here.
 */
export function checkEvent(topic: EventTopic, event: unknown): string | null {
  if (typeof event !== "object" || event === null || Array.isArray(event)) return "the event must be an object";
  return compiled[topic](event as Fields);
}
