import type { Account } from "./account.ts";
import { dayFigures, tripFigures } from "./statistics.ts";

/** An account's figures, as a performance row has them. @param capital what the strategy began with; null is not told */
export function figuresOf(account: Account, capital: number | null) {
  const { trades, withoutReturn, winRate, avgRoi, sharpe } = tripFigures(account.trips);
  const equity = capital === null ? null : capital + (account.before ?? 0);
  const days = dayFigures(account.hasAllDays ? account.days : [], equity);
  return {
    total_trades: trades,
    trades_without_return: withoutReturn,
    win_rate: winRate,
    avg_roi: avgRoi,
    sharpe_ratio: sharpe,
    pnl: account.pnl,
    realised_pnl: account.realised,
    unrealised_pnl: account.unrealised,
    fees: account.fees,
    open_position: account.position,
    max_drawdown: days.maxDrawdown,
    max_drawdown_money: days.maxDrawdownMoney,
    sharpe_annualised: days.sharpeAnnualised,
    daily_returns: days.returns,
    capital,
  };
}
