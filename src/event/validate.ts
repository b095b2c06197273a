import { type Check, checkJson, checkText, checkTexts, checkUuid } from "./field/checks.ts";
import { checkInputs } from "./field/inputs.ts";
import { brokenRule, NO_RULES_OFF, type RulesOff } from "./rules.ts";
import type { EventField, EventTopic, FieldType } from "./schemas.ts";
import { EVENT_BY_TOPIC, EVENT_SCHEMAS, EVENT_TOPICS } from "./schemas.ts";

type Fields = Readonly<Record<string, unknown>>;

const INT_MAX = 2 ** 31 - 1;
const INT_MIN = -(2 ** 31);
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

const SHA256 = /^[0-9a-f]{64}$/;
/** As src/feed/interval.ts spells the lengths of bars. */
const LENGTH = /^[1-9]\d{0,3}(s|min|h|d|w|mo)$/;

const written = (pattern: RegExp, wrong: string): Check => {
  return (value) => checkText(value) ?? (pattern.test(value as string) ? null : wrong);
};

/** Fields of which their type says too little. */
const CHECKS_BY_NAME: Readonly<Record<string, Check>> = {
  inputs: checkInputs,
  features_sha256: written(SHA256, "must be 64 hexadecimal digits in lower case"),
  horizon: written(LENGTH, "must be a length as in 30s, 5min, 1h, 1d, 1w or 1mo"),
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
  const check = CHECKS_BY_NAME[field.name] ?? CHECKS[field.type];
  return field.type === "uuid" || field.type === "text" ? remembering(check) : check;
}

function unknownField(event: Fields, names: ReadonlySet<string>): string | null {
  for (const name of Object.keys(event)) {
    if (!names.has(name) && event[name] !== undefined) return `${name} is not a field of this event`;
  }
  return null;
}

function compile(topic: EventTopic): (event: Fields, off: RulesOff) => string | null {
  const { fields } = EVENT_SCHEMAS[EVENT_BY_TOPIC[topic]];
  const names = new Set(fields.map((field) => field.name));
  const checks = fields.map((field) => ({ ...field, check: checkOf(field) }));
  return (event, off) => {
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
    return brokenRule(topic, event, off)?.says ?? null;
  };
}

const compiled = Object.fromEntries(EVENT_TOPICS.map((topic) => [topic, compile(topic)])) as Record<
  EventTopic,
  (event: Fields, off: RulesOff) => string | null
>;

/**
 * What is wrong with an event, as a sentence without its full stop ("volume must not be negative"), or null when the
 * topic's schema and rules allow it. Never throws on bad data. Runs for every event published; a
 * landing relies on the types, the table's CHECKs and its own look, as events of other programs never came by here.
 * @param off rules that are not asked
 */
export function checkEvent(topic: EventTopic, event: unknown, off: RulesOff = NO_RULES_OFF): string | null {
  if (typeof event !== "object" || event === null || Array.isArray(event)) return "the event must be an object";
  return compiled[topic](event as Fields, off);
}

/** What reading by the topic's schema leaves open: numbers that are whole, booleans and one of several words are so already. */
const OPEN_BY_READING: ReadonlySet<FieldType> = new Set(["uuid", "text", "texts", "json", "double"]);

const openChecks = Object.fromEntries(
  EVENT_TOPICS.map((topic) => {
    const open = EVENT_SCHEMAS[EVENT_BY_TOPIC[topic]].fields.filter(
      ({ type, symbols }) => OPEN_BY_READING.has(type) && symbols === undefined,
    );
    return [topic, open.map((field) => ({ name: field.name, isId: field.type === "uuid", check: checkOf(field) }))];
  }),
) as Record<EventTopic, { readonly name: string; readonly isId: boolean; readonly check: Check }[]>;

/**
 * As `checkEvent`, of an event that an `EventReader` read. Ids in capitals land, too: they are put in lower case, as their column
 * has them.
 * @param event its ids may be changed
 */
export function checkRead(topic: EventTopic, event: Record<string, unknown>, off: RulesOff): string | null {
  for (const { name, isId, check } of openChecks[topic]) {
    const value = event[name];
    if (value === null) continue;
    let wrong = check(value);
    if (wrong !== null && isId) {
      event[name] = (value as string).toLowerCase();
      wrong = check(event[name]);
    }
    if (wrong !== null) return `${name} ${wrong}`;
  }
  return brokenRule(topic, event, off)?.says ?? null;
}
