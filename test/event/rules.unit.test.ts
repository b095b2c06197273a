import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CONSUMERS } from "../../consumers/all.ts";
import { RULES } from "../../src/event/rules.ts";
import { EVENT_BY_TOPIC, EVENT_SCHEMAS, EVENT_TOPICS, type EventTopic } from "../../src/event/schemas.ts";
import { checkEvent } from "../../src/event/validate.ts";
import { RULES_FILE } from "../support/rules.ts";

const { rules, good, vectors } = RULES_FILE;
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
      const { field, when = {}, atLeast = field, before = field } = rule as typeof rule & Record<string, string>;
      expect(fields, rule.name).toEqual(expect.arrayContaining([field, atLeast, before, ...Object.keys(when)]));
      expect(rule.says).toMatch(new RegExp(`^${field} must .*[^.]$`));
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
    const broken = RULES[topic].filter((rule) => rule.isBroken(event));
    expect(broken.map(({ name }) => name)).toEqual(breaks === null ? [] : [breaks]);
    expect(checkEvent(topic, event)).toBe(rules[topic].find(({ name }) => name === breaks)?.says ?? null);
  });
  it.each(vectors)("$topic: $why: as well where the fields that are null are absent", ({ topic, change, breaks }) => {
    const given = Object.entries({ ...good[topic], ...change }).filter(([, value]) => value !== null);
    const event = Object.fromEntries(given);
    const broken = RULES[topic].filter((rule) => rule.isBroken(event));
    expect(broken.map(({ name }) => name)).toEqual(breaks === null ? [] : [breaks]);
  });
});

/** The names of a table's CHECKs, as schemas/shape.txt has them, on fields of its events that aren't enums. */
function checksOf(table: string, topic: EventTopic): string[] {
  const fields = fieldsOf(topic).filter(({ symbols }) => symbols === undefined);
  const isOfField = (check: string) => fields.some(({ name }) => new RegExp(`\\b${name}\\b`).test(check));
  return readFileSync("schemas/shape.txt", "utf8")
    .split("\n")
    .filter((line) => line.startsWith(`  ${table} `) && line.includes(": CHECK ("))
    .map((line) => line.slice(table.length + 3).split(": CHECK ") as [string, string])
    .filter(([, check]) => isOfField(check))
    .map(([name]) => name);
}

describe("the tables", () => {
  it.each(CONSUMERS)("have of $topic a CHECK for each rule, by its name, and no other", ({ topic, landing }) => {
    expect(checksOf(landing.table, topic).sort()).toEqual(rules[topic].map(({ name }) => name).sort());
  });
});
