import { afterAll, beforeAll, expect, test } from "vitest";
import { performanceOfFills } from "../../../producers/performance.ts";
import type { AnyDraft } from "../../../src/agent/draft.ts";
import type { BarEvent, DecisionEvent, FillEvent } from "../../../src/event/events.ts";
import { barId, strategyId, symbolId } from "../../../src/event/identity.ts";
import { openRegistry } from "../../../src/event/registry.ts";
import { openLog } from "../../../src/log.ts";
import { runProgram } from "../../../src/stream/run.ts";
import { openKafka } from "../../../src/topic/kafkajs/open-kafka.ts";
import { recompute } from "../../demo/recompute.ts";
import { environmentOf } from "../../support/landing.ts";
import { bar, decision, fill, idOf, session, symbol } from "../../support/samples.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";

const DAY = 86_400_000_000;
const START = Date.UTC(2020, 0, 1) * 1000;
const DAYS = 731;
/** At least so many: a book of 10,000 takes most of a minute. */
const EXECUTIONS = Number(process.env.PERFORMANCE_EXECUTIONS ?? 2000);
const TICKERS = ["ALPHA", "BRAVO", "CHARLIE"];
const BY = { actor: "bot", modelVersion: "model", strategyId: strategyId("random"), session: idOf("session") };

let tape: TestTape;
let seed = 7;
/** In [0, 1), the same in every run (Park and Miller). */
const random = () => {
  seed = (seed * 48_271) % 2_147_483_647;
  return seed / 2_147_483_647;
};
const hundredths = (value: number) => Math.round(value * 100) / 100;

beforeAll(async () => {
  tape = await openTestTape();
});
afterAll(() => tape?.stop());

interface Book {
  readonly bars: BarEvent[];
  readonly decisions: DecisionEvent[];
  readonly fills: FillEvent[];
}

/** Prices that wander, with a close on weekdays, and executions near them that go long and short, flip and close. */
function randomBook(ticker: string, count: number): Book {
  const made: Book = { bars: [], decisions: [], fills: [] };
  const symbol_id = symbolId(ticker, null);
  let [price, held] = [100, 0];
  for (let day = 0; day < DAYS; day++) {
    for (let n = 0; n < count / DAYS; n++) {
      price = hundredths(price * (0.998 + 0.004 * random()));
      const signed = random() < 0.3 && held !== 0 ? -held : hundredths(1 + 9 * random()) * (random() < 0.5 ? 1 : -1);
      held = hundredths(held + signed);
      const own = { symbol_id, timestamp: START + day * DAY + n, backtest_session_id: BY.session };
      const key = `${ticker} ${day} ${n}`;
      const decision_id = idOf(`decision ${key}`);
      const action = signed > 0 ? "BUY" : "SELL";
      const decided = {
        ...own,
        decision_id,
        action,
        size: Math.abs(signed),
        strategy_id: BY.strategyId,
        model_reference: null,
      } as const;
      made.decisions.push(decision(0, decided));
      const executed = { decision_id, execution_id: idOf(`fill ${key}`), executed_price: price };
      made.fills.push(fill(0, { ...own, ...executed, quantity: Math.abs(signed), fee: hundredths(random()) }));
    }
    if (day % 7 > 4) continue;
    const bars = { symbol_id, timestamp: START + day * DAY, interval: "1d" };
    const close = hundredths(price * 1.001);
    const ends_at = bars.timestamp + DAY;
    const closing = bar(day, { ...bars, ends_at, open: price, high: close, low: price, close });
    made.bars.push({ ...closing, market_data_id: barId(closing) });
  }
  return made;
}

async function run(capital: number | null, name: string) {
  const log = openLog(tape.config);
  const services = {
    client: openKafka(tape.config, log),
    registry: openRegistry({ schemaRegistryUrl: tape.config.schemaRegistryUrl ?? "" }),
  };
  const publish = ({ topic, event }: AnyDraft) => tape.publish(topic, event as never);
  const program = performanceOfFills(BY, { interval: "1d", source: null, capital });
  const ended = { caughtUpWith: Promise.resolve(), stop: new AbortController().signal };
  return runProgram({ ...services, config: tape.config, log, publish }, program, { name, ...ended });
}

async function desk<R>(...args: readonly string[]): Promise<R> {
  const { code, stdout, stderr } = await tradetape(
    ["desk", ...args, "--session", BY.session, "--strategy", "random", "--json"],
    environmentOf(tape.config),
  );
  expect([code, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout) as R;
}

type Figures = Readonly<Record<string, number | string | null>>;

/** As JSON has them, so that each figure can be compared within 1e-9. */
const near = (expected: Figures) =>
  Object.fromEntries(
    Object.entries(expected).map(([name, value]) => [
      name,
      typeof value === "number" ? expect.closeTo(value, 9) : value,
    ]),
  );

const CAPITAL = 1_000_000;
const MONEY = `p.pnl, realised_pnl AS realised, unrealised_pnl AS unrealised, p.fees`;

/** What the desk's commands say of each window that has a row, beside the row. */
async function compareWithRows(): Promise<number> {
  const iso = (column: string) => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS ${column}`;
  const windows = await tape.query<{ window_start: string; window_end: string }>(
    `SELECT DISTINCT ${iso("window_start")}, ${iso("window_end")} FROM strategy_performance`,
  );
  for (const { window_start, window_end } of windows) {
    const told = ["--since", window_start, "--until", window_end];
    const inWindow = "window_start = $1::timestamptz AND window_end = $2::timestamptz";
    const rows = (columns: string, of: string) =>
      tape.query<Figures>(
        `SELECT ${columns} FROM strategy_performance p LEFT JOIN symbol s USING (symbol_id)
         WHERE ${inWindow} AND symbol_id IS ${of} NULL ORDER BY s.ticker`,
        [`${window_start}Z`, `${window_end}Z`],
      );
    const { positions } = await desk<{ positions: Figures[] }>("positions", ...told);
    expect(positions).toMatchObject(
      (await rows(`s.ticker AS symbol, open_position AS position, ${MONEY}`, "NOT")).map(near),
    );
    const { curves } = await desk<{ curves: Figures[] }>("equity", "--capital", String(CAPITAL), ...told);
    const ratios = `total_trades AS trades, max_drawdown AS "maxDrawdown", max_drawdown_money AS "maxDrawdownMoney",
      sharpe_annualised AS "sharpeAnnualised", daily_returns AS "dailyReturns"`;
    const [portfolio] = await rows(`${MONEY}, ${ratios}`, "");
    expect(curves).toMatchObject([near(portfolio!)]);
    const { periods } = await desk<{ periods: Record<"pnl" | "realised" | "unrealised" | "fees", number>[] }>(
      "pnl",
      ...told,
    );
    const sums = { pnl: 0, realised: 0, fees: 0 };
    for (const { pnl, realised, fees } of periods) {
      sums.pnl += pnl;
      sums.realised += realised;
      sums.fees += fees;
    }
    const { pnl, realised, fees } = portfolio!;
    // A thousand days' differences of doubles are added here, so nine digits of a sum of millions can't all be right.
    expect(sums.pnl).toBeCloseTo(Number(pnl), 6);
    expect(sums.realised).toBeCloseTo(Number(realised), 6);
    expect(sums.fees).toBeCloseTo(Number(fees), 6);
  }
  return windows.length;
}

test("rows of a random book of executions are what Python makes of the tables", async () => {
  const running = { backtest_session_id: BY.session, started_at: START, ended_at: Date.UTC(2100, 0, 1) * 1000 };
  await tape.publish("sessions", session(running));
  const symbols = TICKERS.map((ticker) => symbol({ ticker, exchange: null, symbol_id: symbolId(ticker, null) }));
  await tape.publishAll("symbols", symbols);
  for (const ticker of TICKERS) {
    const { bars, decisions, fills } = randomBook(ticker, EXECUTIONS / TICKERS.length);
    await tape.publishAll("bars", bars);
    await tape.publishAll("decisions", decisions);
    await tape.publishAll("fills", fills);
  }
  // Two years and the session that goes on, of three symbols and of all.
  const ROWS = 12;
  expect(await run(null, "stakes")).toMatchObject({ published: ROWS, counts: { unmarked: 0 } });
  const landed = await tape.land();
  expect([landed.performance, landed.fills]).toMatchObject([{ written: ROWS, dead: 0 }, { dead: 0 }]);
  expect(landed.fills.written).toBeGreaterThanOrEqual(EXECUTIONS);
  expect(await recompute(tape.config.databaseUrl)).toEqual({ rows: ROWS, differences: [] });
  const told = await tape.query(`SELECT count(*) FILTER (WHERE as_of IS NOT NULL) AS running,
    count(*) FILTER (WHERE symbol_id IS NULL) AS portfolio, bool_or(open_position <> 0) AS open
    FROM strategy_performance`);
  expect(told).toMatchObject([{ running: 4, portfolio: 3, open: true }]);
  expect(await run(CAPITAL, "capital")).toMatchObject({ published: ROWS });
  expect((await tape.land()).performance).toMatchObject({ replaced: ROWS, dead: 0 });
  expect(await recompute(tape.config.databaseUrl)).toEqual({ rows: ROWS, differences: [] });
  expect(await compareWithRows()).toBe(3);
});
