import { describe, expect, it } from "vitest";
import { checkEvent } from "../../src/event/validate.ts";
import { decision, idOf, NOON, prediction } from "../support/samples.ts";

const BAR = { kind: "bar", id: idOf("bar"), known_at: NOON, value: 184.25 };

const said = (inputs: unknown) => checkEvent("predictions", prediction(0, { inputs: inputs as string }));

describe("the field inputs", () => {
  it.each([
    ["all that can be told", [BAR]],
    ["no more than must be told", [{ kind: "tick", id: idOf("tick") }]],
    ["several, of a negative value and of a time before 1970", [BAR, { ...BAR, value: -37.63, known_at: -1 }]],
    ["none", []],
  ])("may name %s", (_what, inputs) => {
    expect(said(JSON.stringify(inputs))).toBeNull();
    expect(checkEvent("decisions", decision(0, { inputs: JSON.stringify(inputs) }))).toBeNull();
  });

  it.each([
    [7, "must be JSON text"],
    ["[", "must be valid JSON text"],
    ["{}", "must be a list"],
    ["[7]", "item 0 must be an object"],
    ["[null]", "item 0 must be an object"],
    [JSON.stringify([BAR, [BAR]]), "item 1 must be an object"],
    [
      JSON.stringify([{ ...BAR, kind: "bars" }]),
      "item 0 must have as kind one of tick, quote, bar, indicator, prediction, decision, fill, performance",
    ],
    [JSON.stringify([{ kind: "bar" }]), "item 0 must have as id a UUID in lower case"],
    [JSON.stringify([{ ...BAR, id: BAR.id.toUpperCase() }]), "item 0 must have as id a UUID in lower case"],
    [JSON.stringify([{ ...BAR, known_at: 1.5 }]), "item 0 must have as known_at whole microseconds since 1970"],
    [JSON.stringify([{ ...BAR, known_at: "2024" }]), "item 0 must have as known_at whole microseconds since 1970"],
    [JSON.stringify([{ ...BAR, value: null }]), "item 0 must have as value a finite number"],
    [JSON.stringify([{ ...BAR, close: 1 }]), 'item 0 must not have "close"'],
  ])("%s is refused: it %s", (inputs, sentence) => {
    expect(said(inputs)).toBe(`inputs ${sentence}`);
  });
});

describe("the fields horizon and features_sha256", () => {
  it.each(["30s", "5min", "1h", "1d", "2w", "1mo"])("a horizon may be %s", (horizon) => {
    expect(checkEvent("predictions", prediction(0, { horizon }))).toBeNull();
  });
  it.each(["", "1m", "60 min", "d", "0d", "1d ", "banana"])("a horizon may not be '%s'", (horizon) => {
    const sentence = "horizon must be a length as in 30s, 5min, 1h, 1d, 1w or 1mo";
    expect(checkEvent("predictions", prediction(0, { horizon }))).toBe(sentence);
  });
  it.each(["", "0".repeat(63), "A".repeat(64), "g".repeat(64)])(
    "features_sha256 may not be '%s'",
    (features_sha256) => {
      const sentence = "features_sha256 must be 64 hexadecimal digits in lower case";
      expect(checkEvent("decisions", decision(0, { features_sha256 }))).toBe(sentence);
    },
  );
});
