/** One execution of one side, in any order. */
export interface Execution {
  readonly id: string;
  readonly side: "BUY" | "SELL";
  /** Microseconds since 1970. */
  readonly timestamp: number;
  readonly quantity: number;
  readonly price: number;
  readonly fee: number;
}

/** From flat to flat again. */
export interface RoundTrip {
  /** When its last share was sold, microseconds since 1970. */
  readonly closedUs: number;
  /** Proceeds after fees over cost with fees, minus 1. */
  readonly roi: number;
}

interface Score {
  readonly trades: number;
  /** Null where there is no trade. */
  readonly winRate: number | null;
  readonly avgRoi: number | null;
  readonly maxDrawdown: number | null;
  /** Null below two trades, and where all earned the same. */
  readonly sharpe: number | null;
}

/** Sizes are doubles, and partial fills of thirds don't come to zero exactly. */
const FLAT = 1e-9;

/**
 * The round trips of one symbol, by the time of their executions; what is still open at the end is none yet. Sales
 * without a position, which a paper broker refuses, would open a short one: it is a trip the other way round.
 */
export function roundTrips(executions: readonly Execution[]): RoundTrip[] {
  const inTime = [...executions].sort((a, b) => a.timestamp - b.timestamp || (a.id < b.id ? -1 : 1));
  const trips: RoundTrip[] = [];
  let [position, cost, proceeds] = [0, 0, 0];
  for (const { side, quantity, price, fee, timestamp } of inTime) {
    position += side === "BUY" ? quantity : -quantity;
    if (side === "BUY") cost += quantity * price + fee;
    else proceeds += quantity * price - fee;
    if (Math.abs(position) > FLAT) continue;
    // What was had for nothing, or for less, has no return; crude oil was, in April 2020.
    if (cost > 0) trips.push({ closedUs: timestamp, roi: proceeds / cost - 1 });
    [position, cost, proceeds] = [0, 0, 0];
  }
  return trips;
}

/**
 * The figures of some round trips in the order of their closing.
 * - win rate: share of trips with roi > 0; average roi: their mean
 * - max drawdown: largest 1 - E(k) / max E(j <= k) of the equity E(k) = (1 + roi 1) ... (1 + roi k), E(0) = 1, which is
 *   looked at when a trip closes, not between (Magdon-Ismail and Atiya, Risk 17, 2004)
 * - Sharpe ratio: mean of the roi over their sample deviation (n - 1), per trip, against 0, not annualised (Sharpe,
 *   Journal of Portfolio Management 21, 1994)
 */
export function score(trips: readonly RoundTrip[]): Score {
  const n = trips.length;
  if (n === 0) return { trades: 0, winRate: null, avgRoi: null, maxDrawdown: null, sharpe: null };
  const mean = trips.reduce((sum, { roi }) => sum + roi, 0) / n;
  const squares = trips.reduce((sum, { roi }) => sum + (roi - mean) ** 2, 0);
  const deviation = n < 2 ? 0 : Math.sqrt(squares / (n - 1));
  let [equity, peak, maxDrawdown] = [1, 1, 0];
  for (const { roi } of trips) {
    equity *= 1 + roi;
    peak = Math.max(peak, equity);
    maxDrawdown = Math.max(maxDrawdown, 1 - equity / peak);
  }
  return {
    trades: n,
    winRate: trips.filter(({ roi }) => roi > 0).length / n,
    avgRoi: mean,
    maxDrawdown,
    sharpe: deviation > 0 ? mean / deviation : null,
  };
}
