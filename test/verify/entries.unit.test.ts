import { expect, test } from "vitest";
import { CONSUMERS } from "../../consumers/all.ts";
import { jsonForm } from "../../src/table/rows/json-form.ts";
import { EVENT_ENTRY } from "../../src/verify/entries.ts";
import { call, decision, fill, outcome, performance, prediction, session, symbol } from "../support/samples.ts";

const SAMPLES: Readonly<Record<string, object>> = {
  symbols: symbol(),
  sessions: session(),
  predictions: prediction(),
  decisions: decision(),
  fills: fill(),
  performance: performance(),
  outcomes: outcome(),
  calls: call(),
};

test("every topic whose events have entries of their own has the type of the entry that tables are compared with", () => {
  const types = CONSUMERS.flatMap(({ topic, audit }) =>
    typeof audit === "function" ? [[topic, audit(SAMPLES[topic] as never)[0]!.eventType]] : [],
  );
  expect(EVENT_ENTRY).toEqual(Object.fromEntries(types));
});

test.each([
  ['{"b": 1.50, "a": [1e2, null]}', '{"a":[100,null],"b":1.5}', true],
  ['{"a": 1, "a": 2}', '{"a": 2}', true],
  ["-0", "0", true],
  ['{"a": 0.1}', '{"a": 0.10000000000000002}', false],
  ['{"a": "1"}', '{"a": 1}', false],
  ["[1, 2]", "[2, 1]", false],
  ["1e999", "null", false],
])("%s and %s have one form: %s", (a, b, alike) => {
  expect(jsonForm(a) === jsonForm(b)).toBe(alike);
});
