import { describe, expect, test } from "vitest";
import { outcomesOfPredictions } from "../../producers/outcomes.ts";
import type { BarEvent, OutcomeEvent, PredictionEvent } from "../../src/event/events.ts";
import { checkEvent } from "../../src/event/validate.ts";
import { scoreOf } from "../../src/strategy/statistics.ts";
import type { InputRecord } from "../../src/stream/program.ts";
import { openDice } from "../chaos/dice.ts";
import { bar, idOf, prediction } from "../support/samples.ts";

const HOUR = 3_600_000_000;
const DAY = 24 * HOUR;
/** A Monday. */
const START = Date.UTC(2024, 0, 1) * 1000;
const SESSION = idOf("session");
const OPTIONS = { interval: "1d", source: null, session: SESSION, actor: "judge" };

const record = (topic: InputRecord["topic"], event: object): InputRecord =>
  ({ topic, event, partition: 0, offset: 0, publishedUs: START }) as unknown as InputRecord;
const barOf = (day: number, close: number, change: Partial<BarEvent> = {}) =>
  bar(day, {
    ...{ timestamp: START + day * DAY, ends_at: START + (day + 1) * DAY, interval: "1d", source: "feed", close },
    ...{ revised_at: START + (day + 1) * DAY, ...change },
  });
const predictionOf = (n: number, change: Partial<PredictionEvent> = {}) =>
  prediction(n, {
    ...{ timestamp: START + (n + 1) * DAY, price_source: "feed", horizon: "1d", probability_up: 0.75 },
    ...{ predicted_price: 100, backtest_session_id: SESSION, ...change },
  });

/** What a table keeps of the outcomes: of each id the last one of the greatest revision. */
function kept(machine: ReturnType<typeof open>, ...records: InputRecord[]): Map<string, Required<OutcomeEvent>> {
  const rows = new Map<string, Required<OutcomeEvent>>();
  for (const { event } of records.flatMap((one) => machine.take(one))) {
    const row = event as Required<OutcomeEvent>;
    expect(checkEvent("outcomes", row)).toBeNull();
    if (row.revised_at! >= (rows.get(row.outcome_id)?.revised_at ?? 0)) rows.set(row.outcome_id, row);
  }
  return rows;
}

const open = (change: Partial<typeof OPTIONS> = {}, saved?: Parameters<ReturnType<typeof program>["open"]>[1]) =>
  program(change).open(() => true, saved);
const program = (change: Partial<typeof OPTIONS> = {}) => outcomesOfPredictions({ ...OPTIONS, ...change });
const bars = (...events: BarEvent[]) => events.map((event) => record("bars", event));
const predictions = (...events: PredictionEvent[]) => events.map((event) => record("predictions", event));
const one = (...records: InputRecord[]) => [...kept(open(), ...records).values()];

describe("an outcome", () => {
  test("has the close known at the prediction's time, the first one at its horizon's end, and the scores", () => {
    const records = [...bars(barOf(0, 80), barOf(1, 100)), ...predictions(predictionOf(1)), ...bars(barOf(2, 90))];
    expect(one(...records)).toMatchObject([
      {
        ...{ prediction_id: idOf("prediction 1"), model_version: "model-7", judged_by: "1d feed" },
        ...{ base_price: 100, base_at: START + 2 * DAY, realised_price: 90, timestamp: START + 3 * DAY },
        ...{ realised_return: -0.1, brier: 0.5625, log_loss: -Math.log(0.25), price_error: 10 },
        ...{ revised_at: START + 3 * DAY, backtest_session_id: SESSION },
      },
    ]);
  });

  test.each([
    ["a weekend", [0, 1, 4], "1d", 4],
    ["two days of a week with a holiday", [0, 1, 3, 4], "2d", 3],
    ["a week", [0, 1, 2, 3, 4, 7, 8, 9, 10], "1w", 8],
  ])("over %s is the first close at its end or later", (_what, days, horizon, realised) => {
    const closes = days.map((day) => barOf(day, 100 + day));
    const found = one(...bars(...closes), ...predictions(predictionOf(1, { horizon })));
    expect(found.map(({ realised_price }) => realised_price)).toEqual([100 + realised]);
  });

  test("takes the next day's close where clocks, or half a holiday, make the day shorter", () => {
    for (const short of [HOUR, 3 * HOUR]) {
      const early = barOf(2, 103, { ends_at: START + 3 * DAY - short });
      const found = one(...bars(barOf(1, 100), early, barOf(3, 104)), ...predictions(predictionOf(1)));
      expect(found.map(({ realised_price }) => realised_price)).toEqual([103]);
    }
  });

  test("of minutes isn't judged before its end", () => {
    const minute = (n: number) =>
      barOf(0, n, { timestamp: START + n * 60_000_000, ends_at: START + (n + 1) * 60_000_000, interval: "1min" });
    const machine = open({ interval: "1min" });
    const made = predictionOf(0, { timestamp: START + 60_000_000, horizon: "5min" });
    const first = Array.from({ length: 5 }, (_, n) => minute(n));
    expect(kept(machine, ...predictions(made), ...bars(...first))).toEqual(new Map());
    expect([...kept(machine, ...bars(minute(5))).values()]).toMatchObject([{ base_price: 0, realised_price: 5 }]);
  });

  test.each([
    ["no source", { price_source: null }],
    ["no horizon", { horizon: null }],
    ["a horizon of months", { horizon: "1mo" }],
    ["a horizon shorter than the bars", { horizon: "4h" }],
  ])("isn't made of a prediction with %s, which is counted", (_what, change) => {
    const machine = open();
    const records = [...bars(barOf(0, 1), barOf(1, 2), barOf(2, 3)), ...predictions(predictionOf(0, change))];
    expect(kept(machine, ...records)).toEqual(new Map());
    expect(machine.counts!()).toEqual({ waiting: 0, unjudgeable: 1, endless: 0 });
  });

  test("isn't made by other prices: of another source, length or session, or of which nobody knows when they were", () => {
    const machine = open();
    const others = [
      barOf(2, 7, { source: "other" }),
      barOf(2, 7, { interval: "1h" }),
      barOf(2, 7, { backtest_session_id: idOf("another session") }),
      barOf(2, 7, { timestamp: START + 2 * DAY + HOUR, ends_at: null }),
    ];
    expect(kept(machine, ...predictions(predictionOf(0)), ...bars(barOf(0, 1), ...others))).toEqual(new Map());
    expect(machine.counts!()).toEqual({ waiting: 1, unjudgeable: 0, endless: 1 });
  });

  test("of a price of 0 has no return, of no probability no scores, of no predicted price no error", () => {
    const made = predictionOf(0, { probability_up: null, predicted_price: null });
    const none = { realised_return: null, brier: null, log_loss: null, price_error: null };
    expect(one(...predictions(made), ...bars(barOf(0, 0), barOf(1, 5)))).toMatchObject([none]);
    const negative = one(...predictions(predictionOf(0)), ...bars(barOf(0, -40), barOf(1, -30)));
    expect(negative).toMatchObject([{ realised_return: 0.25, brier: 0.0625 }]);
  });

  test("is said once, whichever event comes twice, and again when a close changes", () => {
    const machine = open();
    const records = [...bars(barOf(0, 1), barOf(1, 2)), ...predictions(predictionOf(0))];
    expect(kept(machine, ...records).size).toBe(1);
    expect(kept(machine, ...records, ...bars(barOf(1, 2, { revised_at: START + 9 * DAY })))).toEqual(new Map());
    const revised = kept(machine, ...bars(barOf(1, 3, { revised_at: START + 10 * DAY })));
    expect([...revised.values()]).toMatchObject([{ realised_price: 3, revised_at: START + 10 * DAY }]);
  });

  test("goes by the session's own bars where it has any", () => {
    const own = { backtest_session_id: SESSION };
    const records = [...bars(barOf(0, 1), barOf(1, 2)), ...predictions(predictionOf(0))];
    const what = bars(barOf(0, 10, own), barOf(1, 9, own), barOf(1, 3));
    expect(one(...records, ...what)).toMatchObject([{ base_price: 10, realised_price: 9 }]);
  });
});

/** What must be kept, by looking at all bars for every prediction. */
function expected(all: readonly BarEvent[], made: readonly PredictionEvent[], horizonsUs: readonly number[]) {
  const newest = new Map<number, BarEvent>();
  for (const event of all) {
    const known = newest.get(event.timestamp);
    if (known === undefined || event.revised_at! >= known.revised_at!) newest.set(event.timestamp, event);
  }
  const closes = [...newest.values()].sort((a, b) => a.timestamp - b.timestamp);
  return made.flatMap(({ prediction_id, timestamp }, n) => {
    const base = closes.findLast(({ ends_at }) => ends_at! <= timestamp);
    const due = timestamp + horizonsUs[n]! - DAY / 2;
    const realised = closes.find(({ ends_at }) => ends_at! > timestamp && ends_at! >= due);
    return base === undefined || realised === undefined ? [] : [[prediction_id, base.close, realised.close]];
  });
}

test("whatever comes first, is revised or comes twice, and wherever a run is cut, what is kept is by the newest bars", () => {
  for (let seed = 1; seed <= 200; seed++) {
    const dice = openDice(seed);
    const all: BarEvent[] = [];
    for (let day = 0; day < 30; day++) {
      if (dice.next() < 0.2) continue;
      const revisions = 1 + Math.floor(dice.next() * 2.2);
      const ends_at = START + (day + 1) * DAY - Math.floor(dice.next() * 4) * HOUR;
      for (let n = 0; n < revisions; n++) {
        // Revisions of one bar have times of their own, since of two equal ones the order of the log decides.
        const revised_at = ends_at + n * 5 * DAY + Math.floor(dice.next() * DAY);
        all.push(barOf(day, 50 + Math.floor(dice.next() * 100), { ends_at, revised_at }));
      }
    }
    const horizons = Array.from({ length: 40 }, () => 1 + Math.floor(dice.next() * 4));
    const made = horizons.map((days, n) => {
      const timestamp = START + Math.floor(dice.next() * 31 * 24) * HOUR;
      return predictionOf(n, { timestamp, horizon: `${days}d` });
    });
    const records = [...bars(...all), ...predictions(...made), ...predictions(made[0]!)];
    const order = records.map((one) => ({ one, at: dice.next() })).sort((a, b) => a.at - b.at);
    const shuffled = order.map(({ one }) => one);
    const cut = Math.floor(dice.next() * shuffled.length);
    const first = open();
    const before = kept(first, ...shuffled.slice(0, cut));
    // Through text, as a snapshot goes.
    const second = open({}, JSON.parse(JSON.stringify(first.save!())));
    const rows = kept(second, ...shuffled.slice(cut));
    for (const [id, row] of before) if (row.revised_at! > (rows.get(id)?.revised_at ?? 0)) rows.set(id, row);
    const found = [...rows.values()].map((row) => [row.prediction_id, row.base_price, row.realised_price]);
    const wanted = expected(
      all,
      made,
      horizons.map((days) => days * DAY),
    );
    expect(found.toSorted(), `seed ${seed}`).toEqual(wanted.toSorted());
  }
});

describe("a score", () => {
  test.each([
    [0.75, true, 0.0625, 0.2876820724517809],
    [0.75, false, 0.5625, 1.3862943611198906],
    [1, true, 0, 2.2204460492503136e-16],
    [0, true, 1, 36.04365338911715],
    [1, false, 1, 36.04365338911715],
  ])("of %d and %s is scikit-learn's", (probability, isUp, brier, logLoss) => {
    expect(scoreOf(probability, isUp)).toEqual({ brier, logLoss });
  });
});
