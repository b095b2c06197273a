import type { AccountDay } from "./account.ts";
import type { Trip } from "./book.ts";

/** What the trips of a window come to. */
interface TripFigures {
  readonly trades: number;
  /** Those whose entry had no notional, so that their result is no share of anything. */
  readonly withoutReturn: number;
  /** Share of the trips that made money; null where there is none. */
  readonly winRate: number | null;
  /** Mean return of those that have one. */
  readonly avgRoi: number | null;
  /** Per trip, of those that have a return; not annualised. */
  readonly sharpe: number | null;
}

/** What the days of a window come to. */
interface DayFigures {
  /** Largest fall from a peak, as a share of the peak. */
  readonly maxDrawdown: number | null;
  /** Largest fall from a peak in money. */
  readonly maxDrawdownMoney: number | null;
  /** Of the daily returns, annualised. */
  readonly sharpeAnnualised: number | null;
  /** How many daily returns there are. */
  readonly returns: number;
}

/** What of a day its return is made of. */
type Day = Pick<AccountDay, "pnl" | "stake">;
type MarkedDay = { readonly [Name in keyof Day]: number };

const isMarked = (day: Day): day is MarkedDay => day.pnl !== null && day.stake !== null;

/** By which a daily Sharpe ratio is annualised: the usual number of an exchange's trading days. */
const DAYS_PER_YEAR = 252;

/** Below this share of the mean a deviation is what adding doubles leaves of equal returns. */
const ROUNDING = 1e-12;

/**
 * Mean over sample deviation (n - 1), against 0 (Sharpe, Journal of Portfolio Management 21, 1994); null below two
 * returns, and where all are the same.
 */
function sharpeOf(returns: readonly number[]): number | null {
  const mean = meanOf(returns);
  if (mean === null || returns.length < 2) return null;
  const squares = returns.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const deviation = Math.sqrt(squares / (returns.length - 1));
  return deviation > ROUNDING * Math.abs(mean) ? mean / deviation : null;
}

const meanOf = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;

export function tripFigures(trips: readonly Trip[]): TripFigures {
  const returns = trips.flatMap(({ roi }) => (roi === null ? [] : [roi]));
  return {
    trades: trips.length,
    withoutReturn: trips.length - returns.length,
    winRate: meanOf(trips.map(({ pnl }) => (pnl > 0 ? 1 : 0))),
    avgRoi: meanOf(returns),
    sharpe: sharpeOf(returns),
  };
}

/**
 * A day's return is what it made over the equity at the close before it, where the strategy's capital is told. Without
 * one it is over the day's stake (`AccountDay`): the return of an account that holds nothing but its positions, neither
 * borrowed nor idle. Drawdown is the largest 1 - E(k) / max E(j <= k) of the equity at the days' ends (Magdon-Ismail and
 * Atiya, Risk 17, 2004), which is (1 + r 1) ... (1 + r k). Days behind one that ends with nothing left have no return.
 * Where one day isn't known nothing is: a drawdown of the others would be too small.
 * @param equity when the window begins; null without a capital
 */
export function dayFigures(days: readonly Day[], equity: number | null): DayFigures {
  if (days.length === 0 || !days.every(isMarked))
    return { maxDrawdown: null, maxDrawdownMoney: null, sharpeAnnualised: null, returns: 0 };
  const returns = dailyReturns(days, equity);
  let [growth, peak, maxDrawdown] = [1, 1, 0];
  for (const value of returns) {
    growth *= 1 + value;
    peak = Math.max(peak, growth);
    maxDrawdown = Math.max(maxDrawdown, 1 - growth / peak);
  }
  let [high, maxDrawdownMoney] = [0, 0];
  for (const { pnl } of days) {
    high = Math.max(high, pnl);
    maxDrawdownMoney = Math.max(maxDrawdownMoney, high - pnl);
  }
  const sharpe = sharpeOf(returns);
  const sharpeAnnualised = sharpe === null ? null : sharpe * Math.sqrt(DAYS_PER_YEAR);
  return { maxDrawdown, maxDrawdownMoney, sharpeAnnualised, returns: returns.length };
}

function dailyReturns(days: readonly MarkedDay[], equity: number | null): number[] {
  const returns: number[] = [];
  let [before, growth] = [0, 1];
  for (const { pnl, stake } of days) {
    const base = equity === null ? stake : equity + before;
    if (growth <= 0 || base < 0 || (base === 0 && equity !== null)) break;
    // Nothing at stake makes nothing, but for a fee of what was had for nothing.
    const value = base === 0 ? 0 : (pnl - before) / base;
    returns.push(value);
    growth *= 1 + value;
    before = pnl;
  }
  return returns;
}

/** The least chance that log loss counts with: scikit-learn's, the distance from 1 to the next greater double. */
const CHANCE_MIN = Number.EPSILON;

/** How good a chance was, given what came. */
interface Score {
  /** The square of the chance less 1 if it came, else less 0 (Brier, 1950): 0 is best. */
  readonly brier: number;
  /** Minus the natural logarithm of the chance given to what came, at least CHANCE_MIN: 0 is best. As scikit-learn's log_loss. */
  readonly logLoss: number;
}

/** @param probability of a rise, 0 to 1 @param isUp whether the price rose; one that stayed did not */
export function scoreOf(probability: number, isUp: boolean): Score {
  const given = isUp ? probability : 1 - probability;
  const chance = Math.min(Math.max(given, CHANCE_MIN), 1 - CHANCE_MIN);
  return { brier: (probability - (isUp ? 1 : 0)) ** 2, logLoss: -Math.log(chance) };
}

/** What a price made of another one's size, as a fraction, also below 0; null where that is 0. */
export function returnOf(base: number, realised: number): number | null {
  return base === 0 ? null : (realised - base) / Math.abs(base);
}
