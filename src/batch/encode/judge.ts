import { isOwnEntry } from "../../audit/own-entry.ts";
import { brokenRule, RULES, type Rule, type RulesOff } from "../../event/rules.ts";
import { EVENT_BY_TOPIC, EVENT_SCHEMAS, type EventTopic } from "../../event/schemas.ts";
import { RowJudge } from "../../table/rows/row-judge.ts";

/** The rules that keep a client's entries from passing for tradetape's own. */
export const RESERVING = ["reserved_event_type", "reserved_actor"];

/**
 * The rule that an event of this topic is a letter for before PostgreSQL sees it: the first that it breaks, if that is one
 * with a switch. The others are CHECKs, and said when PostgreSQL refuses the row.
 */
export function judgeOf(
  topic: EventTopic,
  off: RulesOff,
): (event: Readonly<Record<string, unknown>>) => Rule | undefined {
  if (!RULES[topic].some(({ name, hasSwitch }) => hasSwitch && !off.has(name))) return () => undefined;
  return (event) => {
    const broken = brokenRule(topic, event, off);
    if (!broken?.hasSwitch) return undefined;
    return RESERVING.includes(broken.name) && isOwnEntry(event) ? undefined : broken;
  };
}

/** The same by a row's bytes, for the rules that no CHECK holds; undefined where there are none. */
export function rowJudgeOf(topic: EventTopic, off: RulesOff): RowJudge | undefined {
  const rules = RULES[topic].filter(({ name, hasSwitch }) => hasSwitch && !off.has(name));
  if (rules.length === 0) return undefined;
  const texts = EVENT_SCHEMAS[EVENT_BY_TOPIC[topic]].fields.filter(({ type }) => type === "text");
  return new RowJudge(rules, new Set(texts.map(({ name }) => name)));
}
