import { readAccounts, type Undecided, undecidedOf } from "../../desk/accounts.ts";
import { isoDate } from "../../event/day.ts";
import type { Account } from "../../strategy/account.ts";
import { portfolioOf } from "../../strategy/portfolio.ts";
import type { Session } from "../command.ts";
import { asReader } from "../services.ts";
import { type PriceFlags, readScope, type ScopeFlags, toldBars } from "./desk-flags.ts";
import { nothing, undecidedText } from "./desk-text.ts";

/** One strategy's instruments together. */
interface Portfolio {
  /** Null are decisions that name no strategy. */
  readonly strategyId: string | null;
  readonly account: Account;
}

export interface Portfolios {
  readonly portfolios: readonly Portfolio[];
  readonly undecided: readonly Undecided[];
  /** What a person reads of them: the text, or that there is nothing, and why figures are missing. */
  text(of: () => string): string;
}

export async function readPortfolios({ config }: Session, flags: ScopeFlags & PriceFlags): Promise<Portfolios> {
  const bars = toldBars(flags);
  const { scope, strategies } = await asReader(config, "desk", async (connection) => {
    const scope = await readScope(connection, flags);
    return { scope, strategies: await readAccounts(connection, scope, bars) };
  });
  const portfolios = strategies.map(({ strategyId, accounts }) => ({
    strategyId,
    account: portfolioOf(accounts.map(({ account }) => account)),
  }));
  const isKnown = ({ hasAllDays, before, days }: Account) =>
    hasAllDays && before !== null && days.every(({ pnl }) => pnl !== null);
  const undecided = undecidedOf(strategies, isKnown);
  const text = (of: () => string) =>
    portfolios.length === 0
      ? nothing("executions", scope.session)
      : [of(), ...undecidedText(undecided, bars.interval)].join("\n");
  return { portfolios, undecided, text };
}

/** A UTC day, month or year. Money is in the instruments' currency; what an instrument without a mark is part of is null. */
interface PeriodMoney {
  readonly strategyId: string | null;
  /** As in 2024-03-05, 2024-03 or 2024. */
  readonly period: string;
  /** Made in it. */
  readonly pnl: number | null;
  /** Of `pnl` what exits made, after fees; the rest is what is open. */
  readonly realised: number;
  readonly unrealised: number | null;
  readonly fees: number;
  /** The positions at the last close in it: long and short ones added, and long ones less short ones. */
  readonly gross: number | null;
  readonly net: number | null;
}

export const MONEY_PERIODS = ["day", "month", "year"] as const;
export type MoneyPeriod = (typeof MONEY_PERIODS)[number];

/** How much of a date names a period. */
const DIGITS: Readonly<Record<MoneyPeriod, number>> = { day: 10, month: 7, year: 4 };

export function periodsOf({ strategyId, account }: Portfolio, by: MoneyPeriod): PeriodMoney[] {
  let before: Pick<Account["days"][number], "pnl" | "realised" | "fees"> = { pnl: 0, realised: 0, fees: 0 };
  return [...Map.groupBy(account.days, ({ day }) => isoDate(day).slice(0, DIGITS[by]))].map(([period, days]) => {
    const last = days.at(-1)!;
    const [realised, fees] = [last.realised - before.realised, last.fees - before.fees];
    const pnl = last.pnl === null || before.pnl === null ? null : last.pnl - before.pnl;
    const unrealised = pnl === null ? null : pnl - realised;
    before = last;
    return { strategyId, period, pnl, realised, unrealised, fees, gross: last.exposure, net: last.net };
  });
}
