import { describe, expect, test } from "vitest";
import { fillsOfDecisions } from "../../producers/fills.ts";
import type { BarEvent, DecisionEvent, FillEvent } from "../../src/event/events.ts";
import { strategyId } from "../../src/event/identity.ts";
import { PAPER } from "../../src/strategy/paper/paper-broker.ts";
import type { InputRecord } from "../../src/stream/program.ts";
import fc from "../support/random/fast-check.ts";
import { bar, decision, idOf, SYMBOL_ID, session } from "../support/samples.ts";
import { published, recordOf } from "./machine.ts";

const DAY = 86_400_000_000;
const START = Date.UTC(2010, 0, 1) * 1000;
const SESSION = idOf("session");
const BY = { actor: "bot", modelVersion: "model", strategyId: strategyId("plain"), session: SESSION };
/** A broker that fills everything whole. */
const PLAIN = { ...PAPER, rejectShare: 0, partialShare: 0, cancelShare: 0, slippage: 0 };

const day = (n: number, change: Partial<BarEvent> = {}) => {
  const timestamp = START + n * DAY;
  const times = { timestamp, ends_at: timestamp + DAY, first_trade_at: null, last_trade_at: null };
  return recordOf("bars", bar(n, { ...times, interval: "1d", open: 100 + n, source: "one", ...change }));
};
const order = (id: string, n: number, change: Partial<DecisionEvent> = {}) => {
  const of = { strategy_id: BY.strategyId, backtest_session_id: SESSION, approved: true, price_source: "one" };
  const event = decision(0, { decision_id: idOf(id), timestamp: START + n * DAY, action: "BUY", ...of, ...change });
  return recordOf("decisions", event);
};
const ended = recordOf("sessions", session({ status: "completed", ended_at: START + 99 * DAY }));

const machine = (source: string | null = null, settings = PLAIN) =>
  fillsOfDecisions(BY, { interval: "1d", source }, settings).open(() => true);
const fills = (
  records: readonly InputRecord[],
  { source = null as string | null, settings = PLAIN, idle = false } = {},
) => published<Required<FillEvent>>(machine(source, settings), records, idle);
const days = (count: number, change: Partial<BarEvent> = {}) => Array.from({ length: count }, (_, n) => day(n, change));

describe("every approved order", () => {
  test("is executed once by its id: two of one time, one that comes behind a later one, one published twice", () => {
    const orders = [order("a", 3, { size: 10 }), order("b", 3, { size: 5 }), order("c", 1, { size: 7 })];
    const told = fills([...days(20), ...orders, ...orders]);
    expect(told.map(({ decision_id, quantity }) => [decision_id, quantity])).toEqual([
      [idOf("a"), 10],
      [idOf("b"), 5],
      [idOf("c"), 7],
    ]);
    // What came behind an order of day 3 can't have gone before it.
    expect(told.map(({ executed_price }) => executed_price)).toEqual([103, 103, 103]);
  });

  test("gets a report, whatever the orders are, their times and which topic is read first", () => {
    const some = fc.record({
      n: fc.integer({ min: 0, max: 25 }),
      action: fc.constantFrom("BUY" as const, "SELL" as const, "HOLD" as const),
      size: fc.constantFrom(1, 5, 10),
      approved: fc.boolean(),
      price_source: fc.constantFrom("one", null),
    });
    const merged = fc.array(some, { maxLength: 30 }).chain((all) => {
      const orders = all.map(({ n, action, size, ...rest }, i) =>
        order(`${i}`, n, { action, size: action === "HOLD" ? 0 : size, ...rest }),
      );
      const places = fc.array(fc.boolean(), { minLength: 60, maxLength: 60 });
      return fc.record({ orders: fc.constant(orders), places, twice: fc.subarray(orders) });
    });
    fc.assert(
      fc.property(merged, ({ orders, places, twice }) => {
        const told = [...orders, ...twice];
        const queues: [InputRecord[], InputRecord[]] = [[...told], days(20)];
        const mixed = places.flatMap((first) => queues[first ? 0 : 1].splice(0, 1));
        const all = [ended, ...mixed, ...queues[0], ...queues[1]];
        const reports = fills(all, { settings: PAPER, idle: true });
        expect(reports).toEqual(fills([ended, ...days(20), ...told], { settings: PAPER, idle: true }));
        const approved = orders.filter(({ event }) => {
          const { approved, action } = event as DecisionEvent;
          return approved && action !== "HOLD";
        });
        const ids = approved.map(({ event }) => (event as DecisionEvent).decision_id);
        expect(new Set(reports.map(({ decision_id }) => decision_id))).toEqual(new Set(ids));
        for (const report of reports) {
          const own = orders.find(({ event }) => (event as DecisionEvent).decision_id === report.decision_id)!;
          expect(report.timestamp).toBeGreaterThanOrEqual((own.event as DecisionEvent).timestamp);
        }
      }),
    );
  });

  test("that no bar can execute waits, and is canceled when the session has ended", () => {
    const late = order("late", 30);
    const one = machine();
    expect(published(one, [...days(20), late], true)).toEqual([]);
    expect(one.counts!()).toMatchObject({ waiting: 1 });
    const [report] = published<FillEvent>(one, [ended], true);
    expect(report).toMatchObject({ status: "CANCELED", quantity: 0, executed_price: null, latency_ms: null });
    expect(report).toMatchObject({ decision_id: idOf("late"), timestamp: START + 99 * DAY, priced_at: null });
    expect(one.counts!()).toMatchObject({ waiting: 0 });
    expect(published(one, [day(40)], true)).toEqual([]);
  });

  test("to sell what isn't held is rejected", () => {
    expect(fills([...days(9), order("a", 3, { action: "SELL" })])).toMatchObject([{ status: "REJECTED", quantity: 0 }]);
  });

  test("that may be one of those which were forgotten is counted, and not executed again", () => {
    const one = machine();
    const orders = Array.from({ length: 2500 }, (_, n) => order(`${n}`, n));
    const told = published(one, [...days(2501), ...orders, ...orders]);
    expect(told).toHaveLength(2500);
    expect(one.counts!().unsure).toBeGreaterThan(0);
  });
});

describe("a fill's price", () => {
  const other = (n: number) => day(n, { source: "other", open: 10 });

  test("is of the decision's source, whatever other sources there are", () => {
    const both = Array.from({ length: 9 }, (_, n) => [other(n), day(n)]).flat();
    const orders = [order("a", 3), order("b", 5, { action: "SELL" })];
    const told = fills([...both, ...orders]);
    expect(told.map(({ executed_price, price_source }) => [executed_price, price_source])).toEqual([
      [103, "one"],
      [105, "one"],
    ]);
    expect(fills([...orders, ...both])).toEqual(told);
  });

  test("is of the source that is told; orders on the prices of another one are counted", () => {
    const one = machine("other");
    const told = published<FillEvent>(one, [day(4), other(4), order("a", 3), order("b", 3, { price_source: null })]);
    expect(told).toMatchObject([{ decision_id: idOf("b"), executed_price: 10, price_source: "other" }]);
    expect(one.counts!()).toMatchObject({ ofOtherSources: 1 });
  });

  const twice = `symbol ${SYMBOL_ID} has 1d bars of the source "one" and of "other"`;
  test.each([
    ["an order that names none", [order("a", 3, { price_source: null }), day(4), other(4)], twice],
    ["bars that come first", [day(4), other(4), order("a", 3, { price_source: null })], twice],
    [
      "two orders",
      [order("a", 3), order("b", 4, { price_source: "other" })],
      `symbol ${SYMBOL_ID} has decisions of the source "one" and of "other"`,
    ],
    [
      "bars of the session's own beside live ones",
      [order("a", 3), day(4), day(4, { backtest_session_id: SESSION })],
      `symbol ${SYMBOL_ID} has 1d bars of the source "one" that are the session's own, and live ones`,
    ],
  ])("is refused where there are two: %s", (_what, records, sentence) => {
    expect(() => fills(records)).toThrow(sentence);
  });

  test("isn't asked for where nothing is ordered", () => {
    const quiet = [order("a", 3, { approved: false, price_source: null }), order("b", 3, { action: "HOLD", size: 0 })];
    expect(fills([...quiet, day(4), other(4)])).toEqual([]);
  });
});

describe("a fill's time", () => {
  test("is that of the trade which gave its price, and the broker's latency", () => {
    const firstUs = START + 4 * DAY + 48_600_000_000;
    const [fill] = fills([order("a", 4), day(4, { first_trade_at: firstUs })]);
    expect(fill).toMatchObject({ executed_price: 104, priced_at: firstUs });
    const latencyUs = fill!.timestamp - firstUs;
    expect(latencyUs).toBeGreaterThan(0);
    expect(fill!.latency_ms).toBe(Math.round(latencyUs / 1000));
  });

  test("is the bar's last microsecond where nobody knows when its open was traded", () => {
    const [fill] = fills([order("a", 4), day(4)]);
    expect(fill).toMatchObject({ priced_at: START + 5 * DAY - 1, timestamp: START + 5 * DAY - 1 });
  });

  test("has no weekend in its latency", () => {
    const told = fills([order("a", 4), day(7, { first_trade_at: START + 7 * DAY })], { settings: PAPER });
    for (const { latency_ms } of told) expect(latency_ms).toBeLessThan(1000);
    expect(told.length).toBeGreaterThan(0);
  });

  test("is never of a bar of which nobody knows when it was", () => {
    const one = machine();
    const odd = day(4, { timestamp: START + 4 * DAY + 1, ends_at: null });
    expect(published(one, [order("a", 4), odd])).toEqual([]);
    expect(one.counts!()).toMatchObject({ waiting: 1, endless: 1 });
  });

  test("lies at or behind its price, which lies at or behind its decision, for any bars", () => {
    const bars = fc.array(fc.record({ gap: fc.integer({ min: 0, max: 5 }), firstUs: fc.option(fc.nat(DAY - 1)) }), {
      minLength: 1,
    });
    fc.assert(
      fc.property(bars, fc.integer({ min: 0, max: 40 }), (some, n) => {
        let at = 0;
        const records = some.map(({ gap, firstUs }) => {
          at += gap + 1;
          const timestamp = START + at * DAY;
          return day(at, {
            timestamp,
            ends_at: timestamp + DAY,
            first_trade_at: firstUs === null ? null : timestamp + firstUs,
          });
        });
        for (const fill of fills([...records, order("a", n)], { settings: PAPER })) {
          const priced = records.find(({ event }) => (event as BarEvent).timestamp >= START + n * DAY)!
            .event as BarEvent;
          expect(fill.timestamp).toBeGreaterThanOrEqual(fill.priced_at ?? START + n * DAY);
          if (fill.priced_at === null) continue;
          expect(fill.priced_at).toBe(priced.first_trade_at ?? priced.timestamp + DAY - 1);
        }
      }),
    );
  });
});
