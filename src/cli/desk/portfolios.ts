import { isoDate } from "../../event/day.ts";
import type { Account } from "../../strategy/account.ts";
import { portfolioOf } from "../../strategy/portfolio.ts";
import type { Session } from "../command.ts";
import { wrong } from "../flags.ts";
import { asReader } from "../services.ts";
import { readAccounts, undecidedOf } from "./accounts.ts";
import { type PriceFlags, readScope, type ScopeFlags, toldBars } from "./desk-flags.ts";
import { nothing, type Undecided, undecidedText } from "./desk-text.ts";

/** One strategy's instruments together, without those that nothing marks. */
interface Portfolio {
  /** Null are decisions that name no strategy. */
  readonly strategyId: string | null;
  readonly account: Account;
}

export interface Portfolios {
  readonly portfolios: readonly Portfolio[];
  readonly undecided: readonly Undecided[];
  /** What a person reads of them: the text, or that there is nothing, and what was left out. */
  text(of: () => string): string;
}

export async function readPortfolios({ config }: Session, flags: ScopeFlags & PriceFlags): Promise<Portfolios> {
  const bars = toldBars(flags);
  const { scope, strategies } = await asReader(config, "desk", async (connection) => {
    const scope = await readScope(connection, flags);
    return { scope, strategies: await readAccounts(connection, scope, bars) };
  });
  const portfolios = strategies.map(({ strategyId, accounts }) => {
    const marked = accounts.map(({ account }) => account).filter(({ pnl }) => pnl !== null);
    return { strategyId, account: portfolioOf(marked) };
  });
  const undecided = undecidedOf(strategies);
  const text = (of: () => string) =>
    portfolios.length === 0
      ? nothing("executions", scope.session)
      : [of(), ...undecidedText(undecided, bars.interval)].join("\n");
  return { portfolios, undecided, text };
}

/** A UTC day, month or year. Money is in the instruments' currency. */
interface Period {
  readonly strategyId: string | null;
  /** As in 2024-03-05, 2024-03 or 2024. */
  readonly period: string;
  /** Made in it. */
  readonly pnl: number;
  /** Of `pnl` what exits made, after fees; the rest is what is open. */
  readonly realised: number;
  readonly unrealised: number;
  readonly fees: number;
  /** The positions at the last close in it: long and short ones added, and long ones less short ones. */
  readonly gross: number;
  readonly net: number;
}

/** How much of a date names a period. */
const DIGITS: Readonly<Record<string, number>> = { day: 10, month: 7, year: 4 };

/** @throws TradetapeError input_invalid */
export function periodsOf({ strategyId, account }: Portfolio, by: string): Period[] {
  const digits = DIGITS[by];
  if (digits === undefined) throw wrong(`--by ${by}`, Object.keys(DIGITS).join(", "));
  let before = { pnl: 0, realised: 0, fees: 0 };
  return [...Map.groupBy(account.days, ({ day }) => isoDate(day).slice(0, digits))].map(([period, days]) => {
    const last = days.at(-1)!;
    const [pnl, realised, fees] = [last.pnl - before.pnl, last.realised - before.realised, last.fees - before.fees];
    before = last;
    return { strategyId, period, pnl, realised, unrealised: pnl - realised, fees, gross: last.exposure, net: last.net };
  });
}
