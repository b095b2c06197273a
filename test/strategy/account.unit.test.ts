import { describe, expect, test } from "vitest";
import { accountOf, type DayClose } from "../../src/strategy/account.ts";
import type { Execution } from "../../src/strategy/book.ts";
import { Closes } from "../../src/strategy/closes.ts";
import { portfolioOf } from "../../src/strategy/portfolio.ts";
import { dayFigures, tripFigures } from "../../src/strategy/statistics.ts";

const DAY = 86_400_000_000;
const HOUR = DAY / 24;

const execution = (day: number, signed: number, price: number, fee = 0): Execution => ({
  side: signed > 0 ? "BUY" : "SELL",
  timestamp: Math.round(day * DAY),
  partition: 0,
  offset: day,
  quantity: Math.abs(signed),
  price,
  fee,
});

/** Closes of whole days: the first one of day 0, known when it is over. */
const closes = (...prices: readonly number[]): DayClose[] =>
  prices.map((price, day) => ({ endUs: (day + 1) * DAY, price }));

const days = (from: number, to: number) => ({ startUs: from * DAY, endUs: to * DAY });

describe("the account of a window", () => {
  const bought = [execution(1.5, 1000, 100, 5)];

  test("marks what is open with the last close, and tells its fees", () => {
    const { days: daily, ...account } = accountOf(bought, closes(99, 100, 104, 101), days(0, 4));
    expect(account).toMatchObject({ trips: [], realised: -5, fees: 5, position: 1000, unrealised: 1000, pnl: 995 });
    expect(daily.map(({ day, pnl }) => [day, pnl])).toEqual([
      [1, -5],
      [2, 3995],
      [3, 995],
    ]);
  });

  test("tells the change of what was open when it began, and only the trips that closed in it", () => {
    const all = [...bought, execution(2.5, -400, 110, 4), execution(5.5, -600, 90, 6)];
    const marks = closes(99, 100, 104, 101, 95, 91, 80);
    expect(accountOf(all, marks, days(0, 4))).toMatchObject({ realised: 4000 - 9, position: 600, unrealised: 600 });
    const second = accountOf(all, marks, days(4, 7));
    expect(second).toMatchObject({ before: 4591, realised: -6006, fees: 6, position: 0, unrealised: 0, pnl: -6606 });
    expect(second.trips).toEqual([{ closedUs: 5.5 * DAY, pnl: 4000 - 6000 - 15, roi: -2015 / 100_000 }]);
    expect(accountOf(all, marks, days(0, 7)).pnl).toBe(4591 - 6606);
  });

  test("tells apart on each day what exits made, fees, and what is open, with the sign of a short", () => {
    const all = [execution(0.5, -10, 100, 1), execution(1.5, 15, 90, 2)];
    const account = accountOf(all, closes(95, 92), days(0, 2));
    expect(account.days.map(({ pnl, realised, fees, net }) => [pnl, realised, fees, net])).toEqual([
      [49, -1, 1, -950],
      [107, 97, 3, 460],
    ]);
    expect(account).toMatchObject({ averagePrice: 90, mark: { endUs: 2 * DAY, price: 92 } });
    expect(accountOf(all.slice(0, 1), [], days(0, 2))).toMatchObject({ averagePrice: 100, mark: null });
    expect(accountOf(all, closes(95), days(3, 4)).netBefore).toBe(475);
  });

  test("doesn't know what it isn't told a close of, and nothing of a close that comes later", () => {
    const unknown = { pnl: null, exposure: null, net: null };
    expect(accountOf(bought, [], days(0, 4))).toMatchObject({
      ...{
        unrealised: null,
        pnl: null,
        fees: 5,
        days: [{ day: 1, ...unknown, realised: -5, fees: 5, stake: 100_000 }],
      },
    });
    const later = closes(99, 100, 104, 101).slice(3);
    expect(accountOf(bought, later, days(0, 3))).toMatchObject({ unrealised: null, pnl: null });
    expect(accountOf(bought, later, days(3, 4))).toMatchObject({
      ...{ unrealised: 1000, pnl: null, before: null, netBefore: null },
      days: [{ day: 3, pnl: null, stake: null, exposure: 101_000 }],
    });
    const flat = [...bought, execution(2.5, -1000, 101)];
    expect(accountOf(flat, [], days(0, 4))).toMatchObject({ unrealised: 0, pnl: 995 });
  });

  test("lacks days where nothing marks the instrument, unless it was neither held nor traded", () => {
    const flat = [...bought, execution(2.5, -1000, 101)];
    expect(accountOf(flat, closes(99), days(0, 4)).hasAllDays).toBe(true);
    expect(accountOf(flat, null, days(0, 4))).toMatchObject({ hasAllDays: false, pnl: 995 });
    expect(accountOf(flat, null, days(3, 4)).hasAllDays).toBe(true);
    expect(accountOf(bought, null, days(3, 4)).hasAllDays).toBe(false);
  });

  test("ends with the window, in the midst of a day, too", () => {
    const hours = [9, 10, 11].map((hour) => ({ endUs: hour * HOUR, price: hour }));
    const last = accountOf([execution(8 / 24, 1, 8)], hours.slice(1, 2), { startUs: 0, endUs: 10 * HOUR });
    expect([last.unrealised, last.days.length]).toEqual([2, 1]);
    expect(accountOf([execution(8 / 24, 1, 8)], hours.slice(2), { startUs: 0, endUs: 10 * HOUR }).pnl).toBeNull();
  });

  test("stakes the position at the close before, or what an execution makes of it, and no more for an exit", () => {
    const all = [execution(0.2, 10, 100), execution(1.2, -10, 120), execution(1.4, -5, 120), execution(1.6, -5, 130)];
    const stakes = accountOf(all, closes(110, 125, 90), days(0, 3)).days.map(({ stake }) => stake);
    expect(stakes).toEqual([1000, 1300, 1250]);
  });
});

describe("the portfolio", () => {
  test("is all instruments at their last closes, also on days of some of them", () => {
    const [first, second] = [
      accountOf([execution(0.5, 10, 100)], closes(110, 120, 130), days(0, 3)),
      accountOf(
        [execution(0.5, -10, 50)],
        [
          { endUs: DAY, price: 50 },
          { endUs: 3 * DAY, price: 40 },
        ],
        days(0, 3),
      ),
    ];
    const all = portfolioOf([first, second]);
    const nothing = { realised: 0, fees: 0 };
    expect(all.days).toEqual([
      { day: 0, pnl: 100, ...nothing, stake: 1500, exposure: 1600, net: 600 },
      { day: 1, pnl: 200, ...nothing, stake: 1600, exposure: 1700, net: 700 },
      { day: 2, pnl: 400, ...nothing, stake: 1700, exposure: 1700, net: 900 },
    ]);
    expect(all).toMatchObject({ pnl: 400, unrealised: 400, realised: 0, position: null, before: 0 });
  });

  test("knows nothing that a mark is needed for while one of them has none, and what it realised all along", () => {
    const marked = accountOf([execution(0.5, 10, 100)], closes(110, 120, 130), days(0, 3));
    const unmarked = accountOf([execution(0.5, 1, 1, 3), execution(2.5, -1, 5)], null, days(0, 3));
    const all = portfolioOf([marked, unmarked]);
    expect(all).toMatchObject({ pnl: 301, realised: 1, hasAllDays: false });
    const unknown = { pnl: null, exposure: null, net: null, realised: -3, fees: 3 };
    expect(all.days).toMatchObject([
      { day: 0, ...unknown, stake: 1001 },
      { day: 1, ...unknown, stake: null },
      { day: 2, pnl: 301, realised: 1, exposure: 1300, net: 1300 },
    ]);
    const held = accountOf([execution(0.5, 1, 1)], null, days(1, 3));
    const rest = portfolioOf([accountOf([execution(0.5, 10, 100)], closes(110, 120, 130), days(1, 3)), held]);
    expect(rest.days.map(({ pnl, net }) => [pnl, net])).toEqual([
      [null, null],
      [null, null],
    ]);
    expect(rest).toMatchObject({ pnl: null, netBefore: null });
  });
});

describe("figures", () => {
  const trip = (roi: number | null, pnl = roi ?? 0) => ({ closedUs: 0, pnl, roi });
  const daily = (...pnl: readonly number[]) => pnl.map((one, day) => ({ day, pnl: one, stake: 100, exposure: 100 }));

  test("of trips are win rate, mean, and mean over deviation, per trip", () => {
    const { trades, winRate, avgRoi, sharpe, withoutReturn } = tripFigures([0.1, -0.2, -0.1, 0.3].map((r) => trip(r)));
    expect([trades, winRate, withoutReturn]).toEqual([4, 0.5, 0]);
    expect(avgRoi).toBeCloseTo(0.025, 15);
    // Squares of 0.075, -0.225, -0.125, 0.275 come to 0.1475, over 3.
    expect(sharpe).toBeCloseTo(0.025 / Math.sqrt(0.1475 / 3), 12);
  });

  test("of trips without a return count them, as won or lost, too", () => {
    expect(tripFigures([trip(null, 47), trip(0.5)])).toEqual({
      ...{ trades: 2, withoutReturn: 1, winRate: 1, avgRoi: 0.5, sharpe: null },
    });
  });

  test("leave out what too few trips or days don't tell, or equal ones, whose deviation is but rounding", () => {
    expect(tripFigures([])).toEqual({ trades: 0, withoutReturn: 0, winRate: null, avgRoi: null, sharpe: null });
    expect(tripFigures([0.1, 0.1, 0.1].map((r) => trip(r))).sharpe).toBeNull();
    expect(dayFigures([], null)).toEqual({
      ...{ maxDrawdown: null, maxDrawdownMoney: null, sharpeAnnualised: null, returns: 0 },
    });
  });

  test("of days fall from the peak, in money and as a share, of the stakes or of the capital", () => {
    const made = daily(10, -10, 0, 30);
    expect(dayFigures(made, null)).toMatchObject({ maxDrawdownMoney: 20, returns: 4 });
    expect(dayFigures(made, null).maxDrawdown).toBeCloseTo(0.2, 12);
    expect(dayFigures(made, 90).maxDrawdown).toBeCloseTo(20 / 100, 12);
    const returns = [10 / 90, -20 / 100, 10 / 80, 30 / 90];
    const mean = returns.reduce((sum, r) => sum + r, 0) / 4;
    const variance = returns.reduce((sum, r) => sum + (r - mean) ** 2, 0) / 3;
    expect(dayFigures(made, 90).sharpeAnnualised).toBeCloseTo((mean / Math.sqrt(variance)) * Math.sqrt(252), 12);
  });

  test("of days are none where one of the days isn't known", () => {
    const made = daily(10, -10, 0, 30).map((day, n) => (n === 1 ? { ...day, pnl: null } : day));
    expect(dayFigures(made, null)).toEqual(dayFigures([], null));
  });

  test("of days end with the day on which all was lost", () => {
    expect(dayFigures(daily(-150, -50, 100), null)).toMatchObject({ maxDrawdown: 1.5, returns: 1 });
    expect(dayFigures(daily(-100, -50), 100)).toMatchObject({ maxDrawdown: 1, returns: 1, maxDrawdownMoney: 100 });
  });
});

describe("closes", () => {
  const bar = (hour: number, close: number, change: object = {}) => {
    const times = { startUs: hour * HOUR, endUs: (hour + 1) * HOUR, revisedUs: 0 };
    return { source: "a", session: null, close, ...times, ...change };
  };
  const series = (source: string | null, ...bars: readonly ReturnType<typeof bar>[]) => {
    const all = new Closes();
    for (const one of bars) all.take(one);
    const found = all.series(source);
    return found && [found.source, found.marks.map(({ endUs, price }) => [endUs / HOUR, price])];
  };

  test("are the last of each UTC day, whatever comes first, and of its latest revision", () => {
    const bars = [bar(9, 1), bar(23, 2), bar(24, 3)];
    const expected = [
      "a",
      [
        [24, 2],
        [25, 3],
      ],
    ];
    expect(series(null, ...bars)).toEqual(expected);
    expect(series(null, ...bars.toReversed())).toEqual(expected);
    const revised = bar(23, 7, { revisedUs: 5 });
    expect(series(null, revised, ...bars)).toEqual([
      "a",
      [
        [24, 7],
        [25, 3],
      ],
    ]);
    expect(series(null, ...bars, revised)).toEqual([
      "a",
      [
        [24, 7],
        [25, 3],
      ],
    ]);
  });

  test("are of one source, told where there are several, and the session's own before live ones", () => {
    const [a, b, own] = [bar(9, 1), bar(9, 2, { source: "b" }), bar(9, 3, { source: "b", session: "s" })];
    expect(series(null)).toBeNull();
    expect(series(null, a, b)).toBeNull();
    expect(series("b", a, b)).toEqual(["b", [[10, 2]]]);
    expect(series("c", a, b)).toBeNull();
    expect(series(null, a, b, own)).toEqual(["b", [[10, 3]]]);
  });
});
