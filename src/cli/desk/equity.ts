import { isoDate } from "../../event/day.ts";
import { figuresOf } from "../../strategy/figures.ts";
import type { CommandSpec } from "../command.ts";
import { EXIT } from "../exit.ts";
import { moneyFlag } from "../flags.ts";
import { figure, money, table } from "../output.ts";
import { declareBars, declareScope, type PriceFlags, type ScopeFlags } from "./desk-flags.ts";
import { shortId, sparkline } from "./desk-text.ts";
import { type Portfolios, readPortfolios } from "./portfolios.ts";

/** One strategy's curve and its figures, by the formulas of strategy_performance. */
interface Equity {
  readonly strategyId: string | null;
  readonly trades: number;
  readonly pnl: number | null;
  readonly realised: number;
  readonly unrealised: number | null;
  readonly fees: number;
  readonly maxDrawdown: number | null;
  readonly maxDrawdownMoney: number | null;
  readonly sharpeAnnualised: number | null;
  readonly dailyReturns: number;
  /** UTC days on which something was executed or a bar closed, and the equity at their ends; null where it isn't known. */
  readonly days: readonly { readonly day: string; readonly equity: number | null }[];
}

type EquityFlags = ScopeFlags & PriceFlags & { readonly capital?: string };

export const equityCommand: CommandSpec<EquityFlags> = {
  name: "equity",
  summary: "the equity curve, marked daily, with drawdown and annualised Sharpe ratio; --json has every day",
  examples: ["tradetape desk equity --session 0198c5a4-...", "tradetape desk equity --capital 100000 --since 30d"],
  declare: (command) => {
    declareScope(command, "strategy");
    declareBars(command, "whose closes mark positions");
    command.option("--capital <money>", "what each strategy began with; without it returns are of what was at stake");
  },
  run: async (session, _args, flags) => {
    const capital = moneyFlag("--capital", flags.capital) ?? null;
    const { portfolios, undecided, text } = await readPortfolios(session, flags);
    const curves = portfolios.map((one) => equityOf(one, capital));
    session.out.result({ capital, curves, undecided }, () => text(() => equityText(curves)));
    return EXIT.good;
  },
};

function equityOf({ strategyId, account }: Portfolios["portfolios"][number], capital: number | null): Equity {
  const figures = figuresOf(account, capital);
  const begin = capital === null ? 0 : capital + (account.before ?? 0);
  return {
    ...{ strategyId, trades: figures.total_trades, pnl: figures.pnl, realised: figures.realised_pnl },
    ...{ unrealised: figures.unrealised_pnl, fees: figures.fees, maxDrawdown: figures.max_drawdown },
    ...{ maxDrawdownMoney: figures.max_drawdown_money, sharpeAnnualised: figures.sharpe_annualised },
    dailyReturns: figures.daily_returns,
    days: account.days.map(({ day, pnl }) => ({ day: isoDate(day), equity: pnl === null ? null : begin + pnl })),
  };
}

const HEAD = ["strategy", "from", "to", "trades", "pnl", "realised", "unrealised", "fees"];

function equityText(curves: readonly Equity[]): string {
  const rows = curves.map((one) => [
    ...[shortId(one.strategyId), one.days[0]?.day, one.days.at(-1)?.day, one.trades],
    ...[one.pnl, one.realised, one.unrealised, one.fees, one.maxDrawdownMoney].map(money),
    ...[figure(one.maxDrawdown), figure(one.sharpeAnnualised), one.dailyReturns],
  ]);
  const drawn = table([...HEAD, "drawdown", "of peak", "sharpe per year", "days"], rows);
  const pictures = curves.flatMap(({ strategyId, days }) => {
    const known = days.flatMap(({ equity }) => (equity === null ? [] : [equity]));
    return known.length === 0 ? [] : [`${shortId(strategyId) ?? "-"}  ${sparkline(known)}`];
  });
  return [drawn, "", ...pictures].join("\n");
}
