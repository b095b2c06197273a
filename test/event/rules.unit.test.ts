import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CONSUMER_OF, CONSUMERS } from "../../consumers/all.ts";
import { readConfig } from "../../src/config.ts";
import { brokenLink, brokenRule, LINKS, NO_RULES_OFF, RULES } from "../../src/event/rules.ts";
import { EVENT_BY_TOPIC, EVENT_SCHEMAS, EVENT_TOPICS, type EventTopic } from "../../src/event/schemas.ts";
import { checkEvent } from "../../src/event/validate.ts";
import { RULES_FILE, SWITCHED_RULES } from "../support/rules.ts";

const { rules, links, good, vectors, linkVectors } = RULES_FILE;
const fieldsOf = (topic: EventTopic) => EVENT_SCHEMAS[EVENT_BY_TOPIC[topic]].fields;

describe("schemas/rules.json, for every topic", () => {
  it.each(EVENT_TOPICS)("has an event of %s that keeps all rules", (topic) => {
    expect(checkEvent(topic, good[topic])).toBeNull();
  });
  it.each(EVENT_TOPICS)("has a vector for each rule of %s that breaks it and no other", (topic) => {
    for (const { name } of rules[topic]) {
      expect(vectors, name).toContainEqual(expect.objectContaining({ topic, breaks: name }));
    }
  });
  it.each(EVENT_TOPICS)("speaks of fields that %s has, and calls no two rules by one name", (topic) => {
    const names = rules[topic].map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    const fields = fieldsOf(topic).map(({ name }) => name);
    for (const rule of rules[topic]) {
      const { looksAt } = RULES[topic].find(({ name }) => name === rule.name)!;
      expect(fields, rule.name).toEqual(expect.arrayContaining([...looksAt]));
      expect(rule.says).toMatch(new RegExp(`^${rule.field} must .*[^.]$`));
    }
  });
  it.each(EVENT_TOPICS)("asks that each text which %s must have isn't empty", (topic) => {
    for (const { name, type, nullable, hasDefault, symbols } of fieldsOf(topic)) {
      if (type !== "text" || nullable || hasDefault || symbols) continue;
      expect(rules[topic]).toContainEqual(expect.objectContaining({ name: `${name}_not_empty`, field: name, not: "" }));
    }
  });
});

describe("schemas/rules.json, by vector", () => {
  it.each(vectors)("$topic: $why: breaks $breaks", ({ topic, change, breaks }) => {
    const event = { ...good[topic], ...change };
    expect(brokenRule(topic, event, NO_RULES_OFF)?.name ?? null).toBe(breaks);
    expect(checkEvent(topic, event)).toBe(rules[topic].find(({ name }) => name === breaks)?.says ?? null);
  });
  it.each(vectors)("$topic: $why: as well where the fields that are null are absent", ({ topic, change, breaks }) => {
    const given = Object.entries({ ...good[topic], ...change }).filter(([, value]) => value !== null);
    const event = Object.fromEntries(given);
    expect(brokenRule(topic, event, NO_RULES_OFF)?.name ?? null).toBe(breaks);
  });
});

/** Of a link, the event and the parent that it is held against. */
const pairOf = ({ topic, change, parent = {} }: (typeof linkVectors)[number]) =>
  [
    { ...good[topic], ...change },
    { ...good[links[topic][0]!.parent], ...parent },
  ] as const;

describe("schemas/rules.json, between events and their parents", () => {
  it.each(linkVectors)("$topic: $why: breaks $breaks", (vector) => {
    const { topic, breaks } = vector;
    const [event, parent] = pairOf(vector);
    expect(checkEvent(topic, event)).toBeNull();
    expect(checkEvent(links[topic][0]!.parent, parent)).toBeNull();
    expect(brokenLink(topic, event, parent)).toBe(links[topic].find(({ name }) => name === breaks)?.says ?? null);
  });
  it.each(Object.entries(links))(
    "has a vector for each link of %s, which names fields that there are",
    (topic, own) => {
      for (const { name, field, says } of own) {
        expect(linkVectors, name).toContainEqual(expect.objectContaining({ topic, breaks: name }));
        expect(says).toMatch(new RegExp(`^${field} must .*[^.]$`));
      }
      for (const { parent, by, field, of } of LINKS[topic as "fills"]) {
        expect(fieldsOf(topic as "fills").map(({ name }) => name)).toEqual(expect.arrayContaining([by, field]));
        expect(fieldsOf(parent).map(({ name }) => name)).toContain(of);
        const parents = CONSUMER_OF[topic as "fills"].landing.parents.filter(({ column }) => column === by);
        expect(parents.map((one) => one.topic)).toEqual([parent]);
      }
    },
  );
});

describe("a rule with a switch", () => {
  const off = (names: string) => readConfig({}, { TRADETAPE_RULES_OFF: names }).rulesOff;
  it("is one that TRADETAPE_RULES_OFF may name, and no other is", () => {
    expect(off(` ${SWITCHED_RULES.join(" , ")},`)).toEqual(SWITCHED_RULES);
    expect(off("")).toEqual([]);
    const others = Object.values(rules).flatMap((own) => own.filter((rule) => !rule.switch).map(({ name }) => name));
    for (const name of [...others, "banana"]) expect(() => off(`not_of_hold,${name}`)).toThrow("TRADETAPE_RULES_OFF");
  });
  it.each(vectors)("$topic: $why: isn't asked where it is off, and every other one is", ({ topic, change, breaks }) => {
    const event = { ...good[topic], ...change };
    const isSwitched = SWITCHED_RULES.includes(breaks ?? "");
    expect(checkEvent(topic, event, new Set([breaks!])) === null).toBe(breaks === null || isSwitched);
    expect(checkEvent(topic, event, new Set(SWITCHED_RULES)) === null).toBe(breaks === null || isSwitched);
  });
});

/** The names of a table's CHECKs, as schemas/catalog/shape.txt has them, on fields of its events that aren't enums. */
function checksOf(table: string, topic: EventTopic): string[] {
  const fields = fieldsOf(topic).filter(({ symbols }) => symbols === undefined);
  const isOfField = (check: string) => fields.some(({ name }) => new RegExp(`\\b${name}\\b`).test(check));
  return readFileSync("schemas/catalog/shape.txt", "utf8")
    .split("\n")
    .filter((line) => line.startsWith(`  ${table} `) && line.includes(": CHECK ("))
    .map((line) => line.slice(table.length + 3).split(": CHECK ") as [string, string])
    .filter(([, check]) => isOfField(check))
    .map(([name]) => name);
}

describe("the tables", () => {
  it.each(CONSUMERS)(
    "have of $topic a CHECK for each rule without a switch, by its name, and no other",
    ({ topic, landing }) => {
      const checked = rules[topic].filter((rule) => !rule.switch);
      expect(checksOf(landing.table, topic).sort()).toEqual(checked.map(({ name }) => name).sort());
    },
  );
});
