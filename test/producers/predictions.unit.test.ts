import { describe, expect, test } from "vitest";
import { indicatorsOfBars } from "../../producers/indicators.ts";
import { predictionsOfIndicators } from "../../producers/predictions.ts";
import type { BarEvent, IndicatorEvent, PredictionEvent } from "../../src/event/events.ts";
import { strategyId } from "../../src/event/identity.ts";
import type { InputRecord } from "../../src/stream/program.ts";
import fc from "../support/random/fast-check.ts";
import { bar, idOf, SYMBOL_ID } from "../support/samples.ts";
import { published, recordOf } from "./machine.ts";

const DAY = 86_400_000_000;
const START = Date.UTC(2010, 0, 1) * 1000;
const SESSION = idOf("session");
const BY = { actor: "bot", modelVersion: "model", strategyId: strategyId("plain"), session: SESSION };
const WARM = 200;
const close = (n: number) => 100 + 10 * Math.sin(n / 7) + (n % 5);

const dayBar = (n: number, change: Partial<BarEvent> = {}) => {
  const times = { timestamp: START + n * DAY, ends_at: START + (n + 1) * DAY };
  const of = { market_data_id: idOf(`${change.source} ${n}`), interval: "1d", close: close(n), source: "one" };
  return recordOf("bars", bar(n, { ...of, ...times, ...change }));
};
const bars = (count: number, change: Partial<BarEvent> = {}) =>
  Array.from({ length: count }, (_, n) =>
    dayBar(n, { market_data_id: idOf(`${change.source ?? "one"} ${n}`), ...change }),
  );
const indicatorsOf = (records: readonly InputRecord[]): InputRecord[] => {
  const machine = indicatorsOfBars({ interval: "1d", actor: "bot", session: SESSION }).open(() => true);
  return published<IndicatorEvent>(machine, records).map((event) => recordOf("indicators", event));
};
const machine = (source: string | null = null) =>
  predictionsOfIndicators(BY, { interval: "1d", source }).open(() => true);
const predicted = (records: readonly InputRecord[], source: string | null = null) =>
  published<Required<PredictionEvent>>(machine(source), records);

describe("predictions", () => {
  const known = bars(WARM + 9);
  const values = indicatorsOf(known);
  const expected = predicted([...known, ...values]);

  test("are one for each bar whose indicators are there, of its source, for the next bar", () => {
    expect(expected.map(({ timestamp }) => (timestamp - START) / DAY)).toEqual(
      Array.from({ length: 10 }, (_, n) => WARM + n),
    );
    expect(expected[0]).toMatchObject({ price_source: "one", horizon: "1d", known_until: START + WARM * DAY });
  });

  test("name the bar and the indicators that they are made of, as the broker had them", () => {
    const inputs = JSON.parse(expected[0]!.inputs!) as { kind: string; id: string; known_at: number; value: number }[];
    expect(inputs.map(({ kind }) => kind).toSorted()).toEqual(["bar", ...Array(6).fill("indicator")]);
    for (const { kind, id, known_at, value } of inputs) {
      const record = [...known, ...values].find(({ event }) => Object.values(event).includes(id))!;
      expect(known_at).toBe(record.publishedUs);
      const event = record.event as BarEvent & IndicatorEvent;
      expect(value).toBe(kind === "bar" ? event.close : event.indicator_value);
      expect(kind === "bar" ? event.ends_at : event.timestamp).toBe(expected[0]!.timestamp);
    }
  });

  test("expect a price on the side of the close that is likelier", () => {
    for (const { predicted_price, probability_up, timestamp } of expected) {
      const last = close((timestamp - START) / DAY - 1);
      expect(Math.sign(predicted_price! - last)).toBe(Math.sign(probability_up! - 0.5));
    }
  });

  test("are the same however far one topic is read ahead of the other, and of what is published twice", () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.integer({ min: 0, max: 60 })), fc.boolean(), (lengths, isFirst) => {
        const queues = [[...known], [...values]];
        const mixed: InputRecord[] = [];
        for (let turn = isFirst ? 0 : 1; queues.some(({ length }) => length > 0); turn = 1 - turn) {
          mixed.push(...queues[turn]!.splice(0, lengths.next().value));
        }
        expect(predicted([...mixed, ...values.slice(-99), ...known])).toEqual(expected);
      }),
      { numRuns: 20 },
    );
  });

  test("wait for a bar that isn't read yet, and say how many do", () => {
    const one = machine();
    expect(published(one, values)).toEqual([]);
    expect(one.counts!()).toEqual({ waiting: 10, revised: 0 });
    expect(published(one, known)).toEqual(expected);
    expect(one.counts!()).toEqual({ waiting: 0, revised: 0 });
  });

  test("stay as they were when a bar is revised", () => {
    const revised = bars(WARM + 9, { close: 1, revised_at: START });
    expect(predicted([...known, ...values, ...revised, ...indicatorsOf(revised)])).toEqual(expected);
    expect(predicted([...known, ...revised, ...values])).toEqual(expected);
  });

  test("of a run that begins after a correction are those of one that ran before it, and name the revisions used", () => {
    const last = WARM + 8;
    const corrected = dayBar(last, { market_data_id: idOf(`one ${last}`), close: 1, revised_at: START });
    const log = [...known, corrected];
    const late = machine();
    const told = published<Required<PredictionEvent>>(late, [...log, ...indicatorsOf(log)]);
    expect(told.map(({ inputs: _, ...rest }) => rest)).toEqual(expected.map(({ inputs: _, ...rest }) => rest));
    const inputs = JSON.parse(told.at(-1)!.inputs!) as { kind: string; known_at: number; value: number }[];
    expect(inputs.find(({ kind }) => kind === "bar")).toMatchObject({
      known_at: known[last]!.publishedUs,
      value: close(last),
    });
    expect(late.counts!()).toEqual({ waiting: 0, revised: 1 });
  });
});

describe("bars of two sources", () => {
  const [one, other] = [bars(WARM), bars(WARM, { source: "other", close: 7 })];
  const all = [...one, ...other, ...indicatorsOf(one), ...indicatorsOf(other)];

  test("have predictions of their own, each of its prices", () => {
    expect(
      predicted(all)
        .map(({ price_source }) => price_source)
        .toSorted(),
    ).toEqual(["one", "other"]);
    expect(predicted(all, "other")).toMatchObject([{ price_source: "other", predicted_price: 7 }]);
  });

  test("that are the session's own and live are refused", () => {
    const own = bars(WARM, { backtest_session_id: SESSION });
    const sentence = `symbol ${SYMBOL_ID} has 1d bars of the source "one" that are the session's own, and live ones`;
    expect(() => predicted([...one, ...own])).toThrow(sentence);
    expect(() => predicted([...own, ...one])).toThrow(sentence);
  });
});
