import { readFileSync } from "node:fs";
import { compileDemand, type DeclaredDemand, isAbove } from "./field/demand.ts";
import { EVENT_TOPICS, type EventTopic } from "./schemas.ts";

type Fields = Readonly<Record<string, unknown>>;

/** A rule as `schemas/rules.json` declares it; its `about` says how one reads. */
interface Declared extends DeclaredDemand {
  readonly says: string;
  readonly when?: Readonly<Record<string, string | null>>;
  readonly switch?: true;
}

/** A rule between an event and its parent, as `schemas/rules.json` declares it. */
interface DeclaredLink {
  readonly name: string;
  readonly says: string;
  readonly when?: Readonly<Record<string, string>>;
  readonly parent: EventTopic;
  readonly by: string;
  readonly field: string;
  readonly of: string;
  readonly same?: true;
  readonly atLeast?: true;
  readonly is?: boolean;
  readonly not?: string;
  readonly total?: true;
}

/** What the fields' types can't say about an event. */
export interface Rule {
  /** What the rule's CHECK is called, too, where it has one. */
  readonly name: string;
  readonly field: string;
  /** A sentence without its full stop about an event that breaks the rule. */
  readonly says: string;
  /** Whether the landing judges it, and no CHECK: TRADETAPE_RULES_OFF may name it. */
  readonly hasSwitch: boolean;
  /** @param event whose fields are each well formed */
  readonly isBroken: (event: Fields) => boolean;
  /** The event's fields that the rule looks at. */
  readonly looksAt: readonly string[];
  /** The fields that a number has to lie between. */
  readonly between: readonly [low: string, high: string] | undefined;
  /** Whether it asks about the text of its field and nothing else. */
  readonly isOfText: boolean;
}

/** What has to hold between an event and its parent. */
export interface LinkRule extends Omit<DeclaredLink, "when"> {
  /** The event's field and value without which the rule asks nothing. */
  readonly when: readonly [field: string, value: string] | undefined;
  /** Of `total`, only by the event alone. */
  readonly isBroken: (event: Fields, parent: Fields) => boolean;
}

/** The names of the rules that are switched off. */
export type RulesOff = ReadonlySet<string>;
export const NO_RULES_OFF: RulesOff = new Set();

/** Beside the sources, as the schemas are. */
const DECLARED = JSON.parse(readFileSync(new URL("../../schemas/rules.json", import.meta.url), "utf8")) as {
  readonly rules: Readonly<Record<EventTopic, readonly Declared[]>>;
  readonly links: Readonly<Partial<Record<EventTopic, readonly DeclaredLink[]>>>;
};

/** Reads the declaration once, so that an event costs a few comparisons. */
function compile(rule: Declared): Rule {
  const { name, field, says, when = {} } = rule;
  const isBroken = compileDemand(rule);
  const others = [
    rule.atLeast ?? [],
    rule.before ?? [],
    rule.between ?? [],
    rule.digestOf ?? [],
    Object.keys(when),
  ].flat();
  const asks = { looksAt: [field, ...others], between: rule.between, isOfText: rule.length !== undefined };
  const common = { name, field, says, hasSwitch: rule.switch === true, ...asks };
  const [condition] = Object.entries(when);
  if (condition === undefined) return { ...common, isBroken };
  const [other, value] = condition;
  return { ...common, isBroken: (event) => (event[other] ?? null) === value && isBroken(event) };
}

function linkBroken({ name, field, of, same, atLeast, is, not, total }: DeclaredLink): LinkRule["isBroken"] {
  if (same) return (event, parent) => event[field] !== parent[of];
  if (atLeast) return (event, parent) => (event[field] as number) < (parent[of] as number);
  if (is !== undefined) return (_event, parent) => parent[of] !== is;
  if (not !== undefined) return (_event, parent) => parent[of] === not;
  if (total) return (event, parent) => isAbove(event[field] as number, parent[of] as number);
  throw new Error(`schemas/rules.json: ${name} demands nothing`);
}

function compileLink(declared: DeclaredLink): LinkRule {
  const isBroken = linkBroken(declared);
  const [when] = Object.entries(declared.when ?? {});
  if (when === undefined) return { ...declared, when, isBroken };
  const [field, value] = when;
  return { ...declared, when, isBroken: (event, parent) => event[field] === value && isBroken(event, parent) };
}

/** The rules of each topic's events, in the order in which they are asked. */
export const RULES: Readonly<Record<EventTopic, readonly Rule[]>> = Object.fromEntries(
  EVENT_TOPICS.map((topic) => [topic, DECLARED.rules[topic].map(compile)]),
) as Record<EventTopic, Rule[]>;

/** What has to hold between each topic's events and their parents, in the order in which it is asked. */
export const LINKS: Readonly<Record<EventTopic, readonly LinkRule[]>> = Object.fromEntries(
  EVENT_TOPICS.map((topic) => [topic, (DECLARED.links[topic] ?? []).map(compileLink)]),
) as Record<EventTopic, LinkRule[]>;

/** By the name of its CHECK. Rules of one name say the same of every topic. */
export const RULE_BY_NAME: ReadonlyMap<string, Rule> = new Map(
  Object.values(RULES).flatMap((rules) => rules.map((rule) => [rule.name, rule])),
);

const LINK_BY_NAME = new Map(Object.values(LINKS).flatMap((links) => links.map((link) => [link.name, link])));

export const linkNamed = (name: string): LinkRule => LINK_BY_NAME.get(name)!;

/** The first rule that an event breaks, whose fields are each well formed; undefined when it keeps them all. */
export function brokenRule(topic: EventTopic, event: Fields, off: RulesOff): Rule | undefined {
  for (const rule of RULES[topic]) if (rule.isBroken(event) && !(rule.hasSwitch && off.has(rule.name))) return rule;
  return undefined;
}

/** What is wrong between an event and its parent, as a sentence about the event without its full stop; null when nothing is. */
export function brokenLink(topic: EventTopic, event: Fields, parent: Fields): string | null {
  return LINKS[topic].find((link) => link.isBroken(event, parent))?.says ?? null;
}
