import { describe, expect, test } from "vitest";
import { performanceOfFills } from "../../producers/performance.ts";
import type { PerformanceEvent } from "../../src/event/events.ts";
import { strategyId } from "../../src/event/identity.ts";
import type { InputRecord } from "../../src/stream/program.ts";
import { bar, decision, fill, idOf, SYMBOL_ID, session } from "../support/samples.ts";

const DAY = 86_400_000_000;
const START = Date.UTC(2010, 0, 1) * 1000;
const SECOND_YEAR = Date.UTC(2011, 0, 1) * 1000;
const LONG_AFTER = START + 5000 * DAY;
const SESSION = idOf("session");
const BY = { actor: "bot", modelVersion: "model", strategyId: strategyId("plain"), session: SESSION };
const PLAIN: Parameters<typeof performanceOfFills>[1] = { interval: "1d", source: null, capital: null };

let offset = 0;
const record = (topic: InputRecord["topic"], event: object) =>
  ({ topic, event, partition: 0, offset: offset++, publishedUs: START }) as unknown as InputRecord;

const dayOf = (day: number) => ({ timestamp: START + day * DAY, ends_at: START + (day + 1) * DAY });
const dayBar = (day: number, close: number, change: object = {}) =>
  record("bars", bar(day, { ...dayOf(day), interval: "1d", close, ...change }));

/** A decision and its fill, of one unit. @param change of both */
const traded = (n: number, day: number, action: "BUY" | "SELL", price: number, change: object = {}) => {
  const own = { backtest_session_id: SESSION, timestamp: START + day * DAY, ...change };
  const filled = { ...own, decision_id: idOf(`decision ${n}`), executed_price: price, quantity: 1, fee: 0 };
  return [
    record("decisions", decision(n, { ...own, decision_id: filled.decision_id, strategy_id: BY.strategyId, action })),
    record("fills", fill(n, filled)),
  ];
};

/** What the program says when it has read everything; asked again, it says nothing. */
function rowsOf(records: readonly InputRecord[], nowUs = LONG_AFTER, options = PLAIN): PerformanceEvent[] {
  const machine = performanceOfFills(BY, options).open(() => true);
  for (const one of records) machine.take(one);
  const said = machine.idle!(nowUs).map(({ event }) => event as PerformanceEvent);
  expect(machine.idle!(nowUs)).toEqual([]);
  return said;
}

const ran = record("sessions", session({ started_at: START, ended_at: START + 500 * DAY }));
const trades = [
  ...traded(1, 1, "BUY", 100),
  ...traded(2, 2, "SELL", 110),
  ...traded(3, 400, "BUY", 100),
  ...traded(4, 401, "SELL", 90),
];

test("rows are per year, over the session, and of each symbol and all, in whatever order the records come", () => {
  const near = (value: number) => expect.closeTo(value, 12);
  const windows = [
    { window_start: START, window_end: SECOND_YEAR, total_trades: 1, win_rate: 1, avg_roi: near(0.1), pnl: 10 },
    { window_start: SECOND_YEAR, total_trades: 1, win_rate: 0, avg_roi: near(-0.1), pnl: -10, as_of: null },
    { window_start: START, window_end: START + 500 * DAY, total_trades: 2, win_rate: 0.5, avg_roi: near(0), pnl: 0 },
  ];
  const expected = [SYMBOL_ID, null].flatMap((symbol_id) => windows.map((window) => ({ ...window, symbol_id })));
  expect(rowsOf([ran, ...trades])).toMatchObject(expected);
  expect(rowsOf([...trades, ran].reverse())).toMatchObject(expected);
});

test("a year that isn't over is told as of the latest execution or close, and whole when it is over", () => {
  const machine = performanceOfFills(BY, PLAIN).open(() => true);
  const running = [record("sessions", session({ ended_at: null })), ...trades, dayBar(403, 91)];
  for (const one of running) machine.take(one);
  const tell = (nowUs: number) => machine.idle!(nowUs).map(({ event }) => event as PerformanceEvent);
  const told = tell(START + 410 * DAY);
  expect(told.map(({ window_start, as_of }) => [window_start, as_of])).toEqual(
    [0, 1].flatMap(() => [
      [START, null],
      [SECOND_YEAR, START + 404 * DAY],
    ]),
  );
  expect(tell(SECOND_YEAR + 365 * DAY - 1)).toEqual([]);
  const whole = tell(SECOND_YEAR + 365 * DAY);
  expect(whole).toEqual(told.filter(({ as_of }) => as_of !== null).map((row) => ({ ...row, as_of: null })));
});

test("an open position is in the rows of every year that it was open, marked with the closes", () => {
  const marks = [dayBar(1, 100), dayBar(364, 120), dayBar(400, 130)];
  const rows = rowsOf([...traded(1, 1, "SELL", 100), ...marks], START + 420 * DAY);
  const figures = { total_trades: 0, open_position: -1, fees: 0, realised_pnl: 0, marked_by: "1d sample" };
  expect(rows.slice(0, 2)).toMatchObject([
    { ...figures, window_start: START, unrealised_pnl: -20, pnl: -20, max_drawdown_money: 20 },
    { ...figures, window_start: SECOND_YEAR, unrealised_pnl: -30, pnl: -10, as_of: START + 401 * DAY },
  ]);
  expect(rows.slice(2)).toMatchObject(rows.slice(0, 2).map((row) => ({ pnl: row.pnl, open_position: null })));
});

test("a bar that ends with a year tells nothing of the next one", () => {
  const rows = rowsOf([...traded(1, 1, "SELL", 100), dayBar(364, 120)]);
  expect(rows.map(({ window_start, unrealised_pnl }) => [window_start, unrealised_pnl])).toEqual([
    [START, -20],
    [START, -20],
  ]);
});

test("of two reports under one id the first one counts, as it lands", () => {
  const [bought, sold] = [traded(1, 1, "BUY", 100), traded(2, 2, "SELL", 110)];
  const again = record("fills", { ...bought[1]!.event, executed_price: 50 });
  expect(rowsOf([...bought, again, ...sold])[0]).toMatchObject({ total_trades: 1, open_position: 0, pnl: 10 });
});

test("what happened at one time is in the order of the log, not of the ids", () => {
  for (const names of [
    [5, 6],
    [6, 5],
  ] as const) {
    const [first, second] = names;
    const both = [...traded(first, 1, "BUY", 100), ...traded(second, 1, "SELL", 110)];
    expect(rowsOf(both)[0]).toMatchObject({ total_trades: 1, avg_roi: 0.1 });
    expect(rowsOf(both.toReversed())[0]).toMatchObject({ total_trades: 1, avg_roi: 0.1 });
  }
});

const UNNAMED = { price_source: null };
const NO_DAYS = { max_drawdown: null, max_drawdown_money: null, sharpe_annualised: null, daily_returns: 0 };

describe("where a symbol has closes of two sources", () => {
  const cents = { source: "cents" };
  const two = [dayBar(1, 100), dayBar(2, 105), dayBar(1, 4, cents), dayBar(2, 5, cents)];
  const bought = (named: object) => traded(1, 1, "BUY", 100, named);

  test("the one that priced the executions marks them, and the second one changes no row", () => {
    const machine = performanceOfFills(BY, PLAIN).open(() => true);
    const tell = (...records: InputRecord[]) => {
      for (const one of records) machine.take(one);
      return machine.idle!(LONG_AFTER).map(({ event }) => event as PerformanceEvent);
    };
    expect(tell(...bought({}), ...two.slice(0, 2))).toMatchObject([{ pnl: 5, marked_by: "1d sample" }, { pnl: 5 }]);
    expect(tell(...two.slice(2))).toEqual([]);
    expect(machine.counts!()).toEqual({ unmarked: 0 });
    expect(rowsOf([...bought({ price_source: "cents" }), ...two])[0]).toMatchObject({
      pnl: -95,
      marked_by: "1d cents",
    });
  });

  test("an execution that names none is of its decision's", () => {
    const [decided, filled] = bought({}) as [InputRecord, InputRecord];
    const unnamed = record("fills", { ...filled.event, ...UNNAMED });
    expect(rowsOf([decided, unnamed, ...two])[0]).toMatchObject({ pnl: 5, marked_by: "1d sample" });
    expect(rowsOf([...two, unnamed, decided])[0]).toMatchObject({ pnl: 5, marked_by: "1d sample" });
  });

  test.each([
    ["where executions name none", UNNAMED, UNNAMED],
    ["where they name both", { price_source: "sample" }, { price_source: "cents" }],
    ["where they name one that has no bars", { price_source: "other" }, { price_source: "other" }],
  ])(
    "nothing marks %s: what needs a mark is null, never 0, and the rest stays, unless one is told",
    (_, first, second) => {
      const closed = [...traded(1, 1, "BUY", 100, first), ...traded(2, 3, "SELL", 110, second)];
      const kept = { total_trades: 1, win_rate: 1, realised_pnl: 10, fees: 0, open_position: 0, pnl: 10 };
      const [own, all] = rowsOf([...closed, ...two]);
      expect(own).toMatchObject({ ...kept, ...NO_DAYS, marked_by: null });
      expect(all).toMatchObject({ ...kept, ...NO_DAYS, open_position: null, marked_by: null });
      expect(rowsOf([...closed, ...two, ...traded(3, 4, "BUY", 1, second)])[0]).toMatchObject({
        ...{ ...kept, ...NO_DAYS, open_position: 1, pnl: null, unrealised_pnl: null },
      });
      // Held at no day's end: but of which days a return of 0 is one isn't known.
      const withinDay = [...traded(1, 1, "BUY", 100, first), ...traded(2, 1, "SELL", 110, second)];
      expect(rowsOf([...withinDay, ...two])[0]).toMatchObject({ ...kept, ...NO_DAYS });
      const told = rowsOf([...closed, ...two], LONG_AFTER, { ...PLAIN, source: "cents" })[0];
      expect(told).toMatchObject({ ...kept, marked_by: "1d cents", daily_returns: 3 });
    },
  );
});

test("the row of all symbols has no figure of days where one of them is held without a mark", () => {
  const other = { symbol_id: idOf("other symbol"), ...UNNAMED };
  const marked = [...traded(1, 1, "BUY", 100), dayBar(1, 100), dayBar(2, 90), dayBar(3, 105)];
  const rows = rowsOf([...marked, ...traded(2, 1, "BUY", 10, other), ...traded(3, 3, "SELL", 12, other)]);
  expect(rows.find(({ symbol_id }) => symbol_id === SYMBOL_ID)).toMatchObject({ pnl: 5, max_drawdown_money: 10 });
  const all = rows.find(({ symbol_id }) => symbol_id === null);
  expect(all).toMatchObject({ ...NO_DAYS, pnl: 7, realised_pnl: 2, unrealised_pnl: 5, total_trades: 1, win_rate: 1 });
});

test("a position that was held before its first close has no figures of days, also of those behind it", () => {
  const late = [...traded(1, 1, "BUY", 100), dayBar(2, 90), dayBar(3, 105)];
  expect(rowsOf(late)[0]).toMatchObject({ ...NO_DAYS, pnl: 5, unrealised_pnl: 5, marked_by: "1d sample" });
});

test("closes of another session mark nothing", () => {
  const other = dayBar(2, 5, { backtest_session_id: idOf("other session") });
  expect(rowsOf([...traded(1, 1, "BUY", 100), dayBar(1, 105), other])[0]).toMatchObject({ unrealised_pnl: 5 });
});

test("a window that ends with a position that nothing marks has no daily figures, also of the days before it", () => {
  const unmarked = rowsOf([...trades.slice(0, 4), ...traded(5, 3, "BUY", 100)])[0];
  expect(unmarked).toMatchObject({ ...NO_DAYS, total_trades: 1, realised_pnl: 10, pnl: null, open_position: 1 });
});

test("a capital is what daily returns are of, and what was made before the window counts to it", () => {
  const marks = [1, 2, 400, 401].map((day) => dayBar(day, 100));
  const rows = rowsOf([...trades, ...marks], LONG_AFTER, { ...PLAIN, capital: 90 });
  expect(rows[1]).toMatchObject({ capital: 90, max_drawdown: expect.closeTo(0.1, 12), max_drawdown_money: 10 });
});

test("fills whose times are milliseconds, which landed in 1970, end no row of other years", () => {
  const inMs = [...traded(5, 3, "BUY", 100), ...traded(6, 4, "SELL", 110)].map(({ topic, event }) =>
    record(topic, { ...event, timestamp: (event as { timestamp: number }).timestamp / 1000 }),
  );
  expect(rowsOf([...inMs, ...trades.slice(0, 4)]).map((row) => [row.window_start, row.total_trades])).toEqual([
    [START, 1],
    [START, 1],
  ]);
});
