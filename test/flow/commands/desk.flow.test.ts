import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ALPHA, BACKTEST, publishBook } from "../../desk/book.ts";
import { documents, shownIn } from "../../support/documents.ts";
import { environmentOf } from "../../support/landing.ts";
import { idOf } from "../../support/samples.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";

let tape: TestTape;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  tape = await openTestTape();
  env = environmentOf(tape.config);
  await publishBook(tape);
});
afterAll(() => tape?.stop());

type Row = Readonly<Record<string, unknown>>;

/** One list of a command's answer. */
async function desk(list: string, ...args: readonly string[]): Promise<Row[]> {
  const { code, stdout, stderr } = await tradetape(["desk", ...args, "--json"], env);
  expect([code, stderr]).toEqual([0, ""]);
  return (JSON.parse(stdout) as Record<string, Row[]>)[list]!;
}

/** Figures that were reckoned by hand, to the last digits of doubles. */
const near = (figures: Row): Row =>
  Object.fromEntries(
    Object.entries(figures).map(([name, value]) => [
      name,
      typeof value === "number" ? expect.closeTo(value, 9) : value,
    ]),
  );
const only = (rows: readonly Row[], ...names: readonly string[]) => rows.map((row) => names.map((name) => row[name]));

describe("money", () => {
  test("is what is held, at average cost: an entry in parts, and a short that flips", async () => {
    const own = { strategyId: ALPHA, markedBy: "eod", markedAt: "2024-03-23T00:00:00.000000Z" };
    // 10 for 1,022, 4 sold at 103.2, 2 bought at 110. And 10 short at 49.8, 15 bought at 47.5, 3 at 44.1.
    expect(await desk("positions", "positions")).toEqual([
      near({
        ...{ ...own, symbol: "IBM", position: 8, averagePrice: (6 * 102.2 + 2 * 110) / 8, mark: 114, value: 912 },
        ...{ unrealised: 912 - 833.2, realised: 4 - 2.7, fees: 2.7, pnl: 80.1 },
      }),
      near({
        ...{ ...own, symbol: "SPY", position: 8, averagePrice: (5 * 47.5 + 3 * 44.1) / 8, mark: 40, value: 320 },
        ...{ unrealised: 320 - 369.8, realised: 23 - 2.8, fees: 2.8, pnl: -29.6 },
      }),
    ]);
  });

  test("is that of then with --until, and of the time since with --since", async () => {
    const then = await desk("positions", "positions", "--until", "2024-03-08", "--symbol", "SPY");
    expect(then).toMatchObject([
      near({ position: -10, averagePrice: 49.8, mark: 48, value: -480, unrealised: 18, pnl: 17 }),
    ]);
    const unknown = await tradetape(["desk", "positions", "--symbol", "spy"], env);
    expect([unknown.code, unknown.stderr]).toEqual([
      2,
      expect.stringContaining('--symbol "spy": no such instrument has landed'),
    ]);
    expect(await desk("positions", "positions", "--since", "2024-03-08", "--symbol", "SPY")).toMatchObject([
      near({ position: 8, realised: 23 - 1.8, fees: 1.8, pnl: -29.6 - 17 }),
    ]);
  });

  test("is told by the day, with realised and unrealised, and adds up", async () => {
    const days = await desk("periods", "pnl");
    expect(days.slice(0, 3)).toEqual([
      near({
        strategyId: ALPHA,
        period: "2024-03-05",
        pnl: 16,
        realised: -2,
        unrealised: 18,
        fees: 2,
        gross: 1040,
        net: 1040,
      }),
      near({
        strategyId: ALPHA,
        period: "2024-03-06",
        pnl: -3,
        realised: -1,
        unrealised: -2,
        fees: 1,
        gross: 1520,
        net: 540,
      }),
      near({
        strategyId: ALPHA,
        period: "2024-03-07",
        pnl: 28.3,
        realised: 3.5,
        unrealised: 24.8,
        fees: 0.5,
        gross: 1116,
        net: 156,
      }),
    ]);
    const [year] = await desk("periods", "pnl", "--by", "year");
    expect(year).toEqual(near({ ...year, period: "2024", pnl: 50.5, realised: 21.5, unrealised: 29, fees: 5.5 }));
    expect(days.reduce((sum, { pnl }) => sum + (pnl as number), 0)).toBeCloseTo(50.5, 9);
    expect((await desk("periods", "exposure", "--by", "month"))[0]).toMatchObject({ gross: 1232, net: 1232 });
  });

  test("is a curve with the figures of strategy_performance, of the capital where one is told", async () => {
    const [curve] = await desk("curves", "equity", "--capital", "1000");
    expect(curve).toMatchObject(
      near({ trades: 1, pnl: 50.5, realised: 21.5, unrealised: 29, fees: 5.5, dailyReturns: 14 }),
    );
    const days = curve!.days as Row[];
    expect([days.length, days[0], days.at(-1)]).toEqual([
      14,
      { day: "2024-03-05", equity: 1016 },
      { day: "2024-03-22", equity: expect.closeTo(1050.5, 9) },
    ]);
  });

  test("marks nothing by guess: of two sources one has to be told, and a session's book is not the live one", async () => {
    const own = ["positions", "--session", BACKTEST];
    const undecided = { symbol: "TWO", markedBy: null, pricedBy: [], sources: ["eod", "raw"] };
    expect(await desk("undecided", ...own)).toEqual([undecided]);
    expect(await desk("positions", ...own)).toMatchObject([
      { symbol: "SPY", markedBy: "eod", mark: 40, unrealised: -110 },
      { symbol: "TWO", mark: null, unrealised: null, realised: 39, fees: 1, pnl: null },
    ]);
    expect(await desk("positions", ...own, "--source", "raw", "--symbol", "TWO")).toMatchObject([
      { mark: 114, unrealised: 6 * 64, pnl: 6 * 64 + 39 },
    ]);
    const text = (await tradetape(["desk", ...own], env)).stdout;
    expect(text).toContain("TWO has bars of 1d from eod, raw: say which by --source");
  });

  test("of an instrument that nothing marks has its realised part, and is unknown where a mark is needed", async () => {
    const of = ["--session", BACKTEST];
    const unknown = { pnl: null, unrealised: null, gross: null, net: null };
    const days = await desk("periods", "pnl", ...of);
    expect(days.slice(0, 3)).toMatchObject([
      { period: "2024-03-05", ...unknown, realised: 0, fees: 0 },
      { period: "2024-03-06", ...unknown, realised: 39, fees: 1 },
      { period: "2024-03-07", ...unknown, realised: 0, fees: 0 },
    ]);
    expect(await desk("periods", "exposure", ...of, "--by", "year")).toMatchObject([
      { ...unknown, realised: 39, fees: 1 },
    ]);
    const ratios = { maxDrawdown: null, maxDrawdownMoney: null, sharpeAnnualised: null, dailyReturns: 0 };
    expect(await desk("curves", "equity", ...of)).toMatchObject([
      { trades: 0, pnl: null, unrealised: null, realised: 39, fees: 1, ...ratios },
    ]);
    for (const command of ["pnl", "exposure", "equity"]) {
      const { code, stdout } = await tradetape(["desk", command, ...of], env);
      expect([code, stdout]).toEqual([0, expect.stringContaining("TWO has bars of 1d from eod, raw")]);
      expect(stdout).not.toContain("SPY");
    }
    expect(await desk("periods", "pnl", ...of, "--symbol", "SPY", "--by", "year")).toMatchObject([{ pnl: -110 }]);
  });
});

describe("orders", () => {
  test("end filled, refused, rejected, canceled, or not yet", async () => {
    const states = await desk("states", "orders");
    expect(only(states, "state", "orders", "size", "filled", "fills", "inParts", "rejected", "canceled")).toEqual([
      ["canceled", 1, 5, 2, 1, 0, 0, 1],
      ["filled", 4, 39, 39, 5, 1, 0, 0],
      ["open", 1, 7, 0, 0, 0, 0, 0],
      ["partial", 1, 8, 3, 1, 0, 0, 0],
      ["refused", 2, 20, 0, 0, 0, 0, 0],
      ["rejected", 1, 5, 0, 0, 0, 1, 0],
    ]);
    const waiting = await desk("waiting", "orders");
    expect(only(waiting, "at", "symbol", "filled")).toEqual([
      ["2024-03-20T00:00:00.000000Z", "SPY", 3],
      ["2024-03-21T00:00:00.000000Z", "SPY", 0],
    ]);
  });

  test("that were refused would have earned what the bars say, by check, beside those that went", async () => {
    const [cooldown, position] = [6 / 105, (3 / 106 + 6 / 105) / 2];
    const approved = (5 / 102 - 7 / 103 + 4 / 50 - 3 / 48 + 2 / 108 + 3 / 110) / 6;
    const [check, all] = [
      { strategyId: ALPHA, of: "check" },
      { strategyId: ALPHA, refusedBy: null },
    ];
    expect(await desk("checks", "refused")).toEqual([
      near({ ...check, refusedBy: "cooldown", orders: 1, judged: 1, meanReturn: cooldown, won: 1, money: 60 }),
      near({ ...check, refusedBy: "position", orders: 2, judged: 2, meanReturn: position, won: 1, money: 90 }),
      near({ ...all, of: "refused", orders: 2, judged: 2, meanReturn: position, won: 1, money: 90 }),
      near({ ...all, of: "approved", orders: 8, judged: 6, meanReturn: approved, won: 4 / 6, money: 42 }),
    ]);
  });

  test("cost what they were filled worse than the price seen, and than the middle of the last quote before", async () => {
    const costs = await desk("costs", "slippage", "--symbol", "IBM");
    expect(costs).toEqual([
      near({
        ...{ strategyId: ALPHA, symbol: "IBM", against: "decision price", source: "eod", orders: 3, money: 2 - 0.8 },
        ...{ bps: (1.2 / 1652) * 10_000, p50: 0, p95: (0.9 * 0.2 * 10_000) / 102 },
      }),
      near({
        ...{ strategyId: ALPHA, symbol: "IBM", against: "arrival mid", source: "book", orders: 2, money: 2 },
        ...{ bps: (2 / 1432.8) * 10_000, p50: (0.1 * 10_000) / 102, p95: (0.95 * 0.2 * 10_000) / 102 },
      }),
    ]);
    expect(await desk("costs", "slippage", "--source", "another", "--symbol", "IBM")).toHaveLength(1);
  });

  test("took as long as their steps, each in percentiles", async () => {
    const steps = await desk("steps", "latency");
    expect(only(steps, "step", "events")).toEqual([
      ["prediction to decision", 11],
      ["decision published to landed", 11],
      ["order to report, as reported", 9],
      ["decision published to report published", 9],
      ["report published to landed", 9],
    ]);
    // 100 ms of six first reports, 200 of a second one, 900 of two ends.
    expect(steps[2]).toEqual(near({ ...steps[2], min: 100, p50: 100, p90: 900, p99: 900, max: 900 }));
    expect(steps[0]).toMatchObject({ min: 0, max: 0 });
  });
});

describe("predictions", () => {
  test("come true by tenths of probability and of confidence; one half says nothing", async () => {
    const bins = (await desk("bins", "hit-rate")).filter(({ by }) => by === "probability");
    const own = { by: "probability", model: "m-1", source: "eod" };
    expect(bins).toEqual([
      near({ ...own, from: 0.3, predictions: 2, judged: 2, mean: 0.345, rose: 0.5, hit: 0.5 }),
      near({ ...own, from: 0.5, predictions: 1, judged: 1, mean: 0.5, rose: 0, hit: null }),
      near({ ...own, from: 0.6, predictions: 5, judged: 5, mean: 0.636, rose: 0.4, hit: 0.4 }),
      near({ ...own, from: 0.7, predictions: 3, judged: 3, mean: 0.72, rose: 1 / 3, hit: 1 / 3 }),
    ]);
    const confident = (await desk("bins", "hit-rate", "--after", "3")).filter(({ by }) => by === "confidence");
    const sum = (name: string) => confident.reduce((all, bin) => all + (bin[name] as number), 0);
    expect([sum("predictions"), sum("judged")]).toEqual([11, 10]);
  });

  test("are off by their errors, beside the naive ones", async () => {
    const own = { model: "m-1", symbol: "IBM", source: "eod", predictions: 6, judged: 6, mape: expect.any(Number) };
    const [ibm, spy] = await desk("errors", "prediction-error");
    expect(ibm).toEqual({
      ...own,
      ...near({ bias: -1 / 6, mae: 1.5, rmse: Math.sqrt(15 / 6), naiveMae: 11 / 6, naiveRmse: Math.sqrt(23 / 6) }),
    });
    const mape = (2 / 49 + 3 / 46 + 2 / 42 + 2 / 43 + 2 / 44) / 5;
    expect(spy).toMatchObject(near({ symbol: "SPY", judged: 5, bias: 11 / 5, mae: 11 / 5, mape, naiveMae: 6 / 5 }));
  });

  test("of two sources are told apart, and of --source there are no others, nor orders", async () => {
    const asked = async (command: string, list: string, ...source: readonly string[]) =>
      only(await desk(list, command, "--session", BACKTEST, ...source), "symbol", "source", "predictions", "judged");
    expect(await asked("prediction-error", "errors")).toEqual([
      ["SPY", "eod", 1, 1],
      ["TWO", "eod", 1, 1],
      ["TWO", "raw", 1, 1],
      ["TWO", null, 2, 0],
    ]);
    expect(await asked("prediction-error", "errors", "--source", "raw")).toEqual([["TWO", "raw", 3, 3]]);
    expect(await asked("hit-rate", "bins", "--symbol", "TWO")).toEqual(
      ["probability", "confidence"].flatMap(() => [
        [undefined, "eod", 1, 1],
        [undefined, "raw", 1, 1],
        [undefined, null, 2, 0],
      ]),
    );
    const rose = async (source: string) =>
      (await desk("bins", "hit-rate", "--session", BACKTEST, "--source", source)).map((bin) => bin.rose);
    expect(await rose("raw")).toEqual([2 / 3, 2 / 3].map((share) => expect.closeTo(share, 12)));
    expect(await rose("eod")).toEqual([0, 0]);
    const orders = (...source: readonly string[]) => desk("checks", "refused", "--session", BACKTEST, ...source);
    expect(await orders()).toMatchObject([{ of: "approved", orders: 3, judged: 1 }]);
    expect(await orders("--source", "raw")).toMatchObject([{ of: "approved", orders: 2, judged: 2 }]);
  });

  test("and decisions name their inputs", async () => {
    const [counts] = await desk("strategies", "inputs");
    expect(counts).toEqual({
      ...{ strategyId: ALPHA, decisions: 11, naming: 1, knownUntil: 11, digest: 0, kinds: { bar: 1, indicator: 1 } },
    });
    const knownAt = "2024-03-05T00:00:00.000000Z";
    expect(await desk("inputs", "inputs", idOf("decision 1"))).toEqual([
      { toldBy: "decision", kind: "bar", id: expect.any(String), value: "102", knownAt },
      { toldBy: "prediction", kind: "indicator", id: idOf("SMA"), value: "101.5", knownAt },
    ]);
    expect((await tradetape(["desk", "inputs", idOf("decision 2")], env)).code).toBe(1);
    const both = await tradetape(["desk", "inputs", idOf("decision 1"), "--since", "7d"], env);
    expect([both.code, both.stderr]).toEqual([2, expect.stringContaining("--since says which decisions are counted")]);
  });
});

describe("data", () => {
  test("lack the Wednesday that most weeks have", async () => {
    const missing = { symbol: "IBM", source: "eod", missing: 1, weeks: 3 };
    const days = { from: "2024-03-13T00:00:00.000000Z", until: "2024-03-14T00:00:00.000000Z" };
    expect(await desk("gaps", "gaps")).toEqual([{ ...missing, ...days }]);
    expect(await desk("gaps", "gaps", "--symbol", "SPY")).toEqual([]);
  });

  test("are as old as their newest, and came as late as the feed says", async () => {
    const series = await desk("series", "staleness", "--at", "2024-03-25", "--kind", "bars", "--source", "eod");
    const age = {
      kind: "bars",
      interval: "1d",
      source: "eod",
      newest: "2024-03-23T00:00:00.000000Z",
      ageS: 172_800,
      lengths: 2,
    };
    expect(series).toEqual([
      { ...age, symbol: "IBM", rows: 14 },
      { ...age, symbol: "SPY", rows: 15 },
      { ...age, symbol: "TWO", rows: 15 },
    ]);
    const delays = await desk("delays", "feed-delay", "--kind", "bars", "--source", "eod");
    const each = { min: 20, p50: 20, p90: 20, p99: 20, max: 20 };
    expect(delays).toEqual([{ kind: "bars", interval: "1d", source: "eod", rows: 44, told: 44, ...each }]);
  });
});

test("data were corrected where a revision replaced what had been told", async () => {
  const revised = { kind: "bars", symbol: "IBM", name: "1d", source: "eod", rows: 1, corrections: 1 };
  const change = { meanChange: 0.5 / 105.5, maxChange: 0.5 / 105.5, medianAfterS: expect.any(Number) };
  expect(await desk("series", "corrections")).toEqual([{ ...revised, ...change }]);
  expect(await desk("series", "corrections", "--since", "2024-03-09")).toEqual([]);
});

/** What a page shows of an answer, with … for what isn't the same in every run; spaces may be more or fewer. */
const asShown = (text: string): RegExp =>
  new RegExp(
    `^${text
      .trim()
      .split(/\s+/)
      .map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll("…", "[^]*"))
      .join("\\s+")}$`,
  );

test("every answer that docs/desk.md shows is what the command gives", async () => {
  const shown = shownIn(documents().find((one) => one.endsWith("docs/desk.md"))!);
  const commands = shown.flatMap(({ language, text }, n) => {
    const answer = shown[n + 1];
    return language === "sh" && answer?.language === "text" ? [{ text, answer: answer.text }] : [];
  });
  expect(commands.length).toBeGreaterThanOrEqual(15);
  for (const { text, answer } of commands) {
    const { stdout } = await tradetape(text.split(/\s+/).slice(1), env);
    expect(stdout.trim()).toMatch(asShown(answer));
  }
});
