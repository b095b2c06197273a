import { expect, test } from "vitest";
import { rowJudgeOf } from "../../../src/batch/encode/judge.ts";
import { NO_RULES_OFF, RULES } from "../../../src/event/rules.ts";
import type { EventTopic } from "../../../src/event/schemas.ts";
import { CopyBuffer, writeDouble, writeNull, writeText } from "../../../src/table/rows/copy-buffer.ts";
import type { Step } from "../../../src/table/rows/fixed-steps.ts";
import { RowJudge } from "../../../src/table/rows/row-judge.ts";
import fc from "../../support/random/fast-check.ts";

type Fields = Readonly<Record<string, number | string | null>>;

/** Writes rows of such fields one behind the other, in one buffer that grows, and gives what the judge says of each. */
function judged(topic: EventTopic, events: readonly Fields[]): boolean[] {
  const judge = rowJudgeOf(topic, NO_RULES_OFF)!;
  const out = new CopyBuffer(16);
  const steps = Object.keys(events[0]!).map((name) => {
    let value: Fields[string] = null;
    const write: Step = () => {
      if (value === null) writeNull(out);
      else if (typeof value === "number") writeDouble(out, value);
      else writeText(out, value);
      return 0;
    };
    const step = judge.watched(name, write);
    return (event: Fields) => {
      value = event[name]!;
      return step(out, Buffer.of(), 0, 0);
    };
  });
  return events.map((event) => {
    for (const step of steps) step(event);
    return judge.mayBreak(out);
  });
}

const isBroken = (topic: EventTopic, event: Fields): boolean =>
  RULES[topic].some((rule) => rule.hasSwitch && rule.isBroken(event));

const price = fc.oneof(
  fc.integer({ min: -20, max: 20 }),
  fc.double({ noNaN: true, min: -1e9, max: 1e9 }),
  fc.constantFrom(0.1 + 0.2, 0.3),
);
const near = fc.tuple(price, fc.constantFrom(1, 1 + 1e-10, 1 - 1e-10, 1 + 1e-8, 1 - 1e-8)).map(([a, b]) => a * b);
const interval = fc.oneof(
  fc.constantFrom("1min", "60min", "1h", "24h", "5s", "1mo", "0min", "1", "min", "x".repeat(300)),
  fc.integer({ min: 1, max: 99 }).map((n) => `${n}min`),
);

test("the bars that break a rule with a switch are those that it is said of, and no others", () => {
  const bar = fc.record({ open: near, high: near, low: near, close: near, interval });
  fc.assert(
    fc.property(fc.array(bar, { minLength: 1, maxLength: 60 }), (bars) => {
      expect(judged("bars", bars)).toEqual(bars.map((event) => isBroken("bars", event)));
    }),
  );
});

test("a bar without one of its prices is left to whoever reads it as an object", () => {
  const good = { open: 1, high: 2, low: 1, close: 2, interval: "1min" };
  const bars = [good, { ...good, open: null }, { ...good, low: null }, { ...good, interval: null }, good];
  expect(judged("bars", bars)).toEqual([false, true, true, true, false]);
});

test("reserved texts of the audit topic are found among more texts than are kept in mind", () => {
  const types = Array.from({ length: 40 }, (_, n) => (n % 3 === 0 ? "RECEIPT" : `NOTE ${n}`));
  const entries = [...types, ...types].map((event_type) => ({ event_type, actor: "ann" }));
  expect(judged("audit", entries)).toEqual(entries.map((event) => isBroken("audit", event)));
});

test("a rule that bytes can't be asked about is a bug, and said where the program starts", () => {
  const rule = RULES.bars.find(({ name }) => name === "high_not_below_low")!;
  expect(() => new RowJudge([rule], new Set(["interval"]))).toThrow("rule high_not_below_low can't be judged");
});
