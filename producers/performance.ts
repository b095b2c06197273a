import { type Draft, draftPerformance } from "../src/agent/draft.ts";
import type { AgentIdentity } from "../src/agent/fields.ts";
import { wrongTime } from "../src/agent/links.ts";
import { DAY_US } from "../src/event/day.ts";
import type { SessionEvent } from "../src/event/events.ts";
import { jsonLines } from "../src/feed/formats/json-lines.ts";
import { producerOf } from "../src/feed/producer.ts";
import { type Execution, type RoundTrip, roundTrips, score } from "../src/strategy/score.ts";
import type { Program } from "../src/stream/program.ts";

/** What strategies earned, from JSON lines. */
export const performance = producerOf("performance", [jsonLines("performance")]);

interface Window {
  readonly startUs: number;
  readonly endUs: number;
}

/** A row of a window that isn't over would be of a time to come, which landing sets aside. */
const AHEAD_US = DAY_US;

/**
 * decisions, fills, sessions -> performance: win rate, average return, drawdown and Sharpe ratio of the round trips that
 * closed in a window, by the formulas of src/strategy/score.ts; per symbol and UTC year, and per symbol over the whole
 * session where it says when it began and ended. Published when all fills are read, and again when it changes.
 *
 * Round trips are counted anew from all executions by their own time, so fills may come in any order.
 */
export function performanceOfFills(by: AgentIdentity): Program {
  const session = by.session ?? null;
  return {
    name: "performance",
    reads: ["sessions", "decisions", "fills"],
    open: () => {
      const sides = new Map<string, Execution["side"]>();
      const executions = new Map<string, Map<string, { decision: string; execution: Omit<Execution, "side"> }>>();
      const said = new Map<string, string>();
      let whole: Window | undefined;
      return {
        take: (record) => {
          if (record.topic === "sessions" && record.event.backtest_session_id === session)
            whole = windowOf(record.event);
          if (record.topic === "decisions" && record.event.strategy_id === by.strategyId) {
            const { decision_id: id, action, backtest_session_id } = record.event;
            if (backtest_session_id === session && action !== "HOLD") sides.set(id, action);
          }
          if (record.topic === "fills" && record.event.backtest_session_id === session) {
            const { execution_id: id, symbol_id, decision_id: decision, quantity, status, timestamp } = record.event;
            const { executed_price: price, fee } = record.event;
            if (status !== "FILLED" || price === null) return [];
            const own = executions.get(symbol_id) ?? new Map();
            executions.set(symbol_id, own);
            if (!own.has(id)) own.set(id, { decision, execution: { id, timestamp, quantity, price, fee: fee ?? 0 } });
          }
          return [];
        },
        idle: (nowUs) =>
          [...executions].flatMap(([symbolId, own]) => {
            const known = [...own.values()].flatMap(({ decision, execution }) => {
              const side = sides.get(decision);
              return side === undefined ? [] : [{ ...execution, side }];
            });
            const trips = roundTrips(known);
            const windows = [...yearsOf(trips), ...(whole === undefined ? [] : [whole])];
            const over = windows.filter(({ endUs, startUs }) => endUs <= nowUs + AHEAD_US && isTellable(startUs));
            return over.map((window) => draftOf(by, symbolId, window, trips)).filter((draft) => isNew(said, draft));
          }),
      };
    },
  };
}

/** One fill in milliseconds, somebody else's, would else end this program for good: it lands in 1970, and stays. */
const isTellable = (startUs: number) => wrongTime(startUs, "window_start") === null;

function windowOf({ started_at, ended_at }: SessionEvent): Window | undefined {
  if (started_at === null || started_at === undefined || ended_at === null || ended_at === undefined) return undefined;
  return { startUs: started_at, endUs: ended_at };
}

/** The UTC years in which a trip closed. */
function yearsOf(trips: readonly RoundTrip[]): Window[] {
  const years = new Set(trips.map(({ closedUs }) => new Date(closedUs / 1000).getUTCFullYear()));
  return [...years].sort((a, b) => a - b).map((year) => ({ startUs: yearUs(year), endUs: yearUs(year + 1) }));
}

const yearUs = (year: number) => Date.UTC(year, 0, 1) * 1000;

function draftOf(
  by: AgentIdentity,
  symbolId: string,
  { startUs, endUs }: Window,
  trips: readonly RoundTrip[],
): Draft<"performance"> {
  const { trades, winRate, avgRoi, maxDrawdown, sharpe } = score(
    trips.filter(({ closedUs }) => closedUs >= startUs && closedUs < endUs),
  );
  return draftPerformance(by, {
    symbol_id: symbolId,
    window_start: startUs,
    window_end: endUs,
    total_trades: trades,
    win_rate: winRate,
    avg_roi: avgRoi,
    max_drawdown: maxDrawdown,
    sharpe_ratio: sharpe,
  });
}

/** Whether it says something else than this window's last row. */
function isNew(said: Map<string, string>, draft: Draft<"performance">): boolean {
  const { performance_id: id } = draft.event;
  const text = JSON.stringify(draft.event);
  if (said.get(id) === text) return false;
  said.set(id, text);
  return true;
}
