import { readFileSync } from "node:fs";
import { EVENT_TOPICS, type EventTopic } from "./schemas.ts";

type Fields = Readonly<Record<string, unknown>>;

/** A rule as `schemas/rules.json` declares it; its `about` says how one reads. */
interface Declared {
  readonly name: string;
  readonly field: string;
  readonly says: string;
  readonly when?: Readonly<Record<string, string | null>>;
  readonly min?: number;
  readonly max?: number;
  readonly above?: number;
  readonly is?: number | null;
  readonly not?: string;
  readonly atLeast?: string;
  readonly before?: string;
  readonly given?: true;
}

/** What the fields' types can't say about an event. */
interface Rule {
  /** What the rule's CHECK is called, too. */
  readonly name: string;
  readonly field: string;
  /** A sentence without its full stop about an event that breaks the rule. */
  readonly says: string;
  /** @param event whose fields are each well formed */
  readonly isBroken: (event: Fields) => boolean;
}

/** Beside the sources, as the schemas are. */
const DECLARED = JSON.parse(readFileSync(new URL("../../schemas/rules.json", import.meta.url), "utf8")) as {
  readonly rules: Readonly<Record<EventTopic, readonly Declared[]>>;
};

/** Of an event's value, which is neither null nor absent: whether it fails the demand. */
function failing(rule: Declared): (value: unknown, event: Fields) => boolean {
  const { name, min, max, above, is, not, atLeast, before } = rule;
  if (min !== undefined || max !== undefined) {
    const [least, most] = [min ?? Number.NEGATIVE_INFINITY, max ?? Number.POSITIVE_INFINITY];
    return (value) => (value as number) < least || (value as number) > most;
  }
  if (above !== undefined) return (value) => (value as number) <= above;
  if (is !== undefined) return (value) => value !== is;
  if (not !== undefined) return (value) => value === not;
  const field = atLeast ?? before;
  if (field === undefined) throw new Error(`schemas/rules.json: ${name} demands nothing`);
  return (value, event) => {
    const other = event[field] as number | null | undefined;
    if (other === null || other === undefined) return false;
    return before === undefined ? (value as number) < other : (value as number) >= other;
  };
}

function brokenBy(rule: Declared): Rule["isBroken"] {
  const { field } = rule;
  if (rule.given) return (event) => event[field] === null || event[field] === undefined;
  const fails = failing(rule);
  return (event) => {
    const value = event[field];
    return value !== null && value !== undefined && fails(value, event);
  };
}

/** Reads the declaration once, so that an event costs a few comparisons. */
function compile(rule: Declared): Rule {
  const { name, field, says, when } = rule;
  const isBroken = brokenBy(rule);
  if (when === undefined) return { name, field, says, isBroken };
  const [[condition, value]] = Object.entries(when) as [[string, string | null]];
  return { name, field, says, isBroken: (event) => (event[condition] ?? null) === value && isBroken(event) };
}

/** The rules of each topic's events, in the order in which they are asked. */
export const RULES: Readonly<Record<EventTopic, readonly Rule[]>> = Object.fromEntries(
  EVENT_TOPICS.map((topic) => [topic, DECLARED.rules[topic].map(compile)]),
) as Record<EventTopic, Rule[]>;

/** By the name of its CHECK. Rules of one name say the same of every topic. */
export const RULE_BY_NAME: ReadonlyMap<string, Rule> = new Map(
  Object.values(RULES).flatMap((rules) => rules.map((rule) => [rule.name, rule])),
);
