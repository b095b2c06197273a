import { LINKS, RULES } from "../../src/event/rules.ts";
import { EVENT_TOPICS } from "../../src/event/schemas.ts";
import { cell, code, table } from "./markdown.ts";

/** Where an event is judged, and by what the rule is switched off. */
const CHECKED = ["publishing, PostgreSQL (CHECK)", "no"];
const JUDGED = ["publishing, landing, `verify`", "yes"];
const LINKED = ["agent API, landing, `verify`", "yes"];

/** Every rule, in the order in which a topic's events are asked. */
export const rulesTable = (): string =>
  table(
    ["topic", "rule", "what has to hold", "judged by", "switch"],
    EVENT_TOPICS.flatMap((topic) => [
      ...RULES[topic].map(({ name, says, hasSwitch }) => row(topic, name, says, hasSwitch ? JUDGED : CHECKED)),
      ...LINKS[topic].map(({ name, says }) => row(topic, name, says, LINKED)),
    ]),
  );

const row = (topic: string, name: string, says: string, where: readonly string[]): string[] => [
  code(topic),
  code(name),
  cell(says),
  ...where,
];
