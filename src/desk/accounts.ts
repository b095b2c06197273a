import type { Account, Window } from "../strategy/account.ts";
import { Instrument, type TradeHistory } from "../strategy/instrument.ts";
import type { Connection } from "../table/connection.ts";
import { dayLastBars, executedFills } from "../table/desk/books.ts";
import type { Scope } from "../table/desk/scope.ts";

/** Bars of one length, and of one source where one is told. */
export interface ToldBars {
  readonly interval: string;
  readonly source: string | null;
}

/** An instrument that was held when nothing marked it, and what could have. */
export interface Undecided {
  readonly symbol: string;
  /** Null where nothing marks it at any time. */
  readonly markedBy: string | null;
  /** The sources that its executions name. */
  readonly pricedBy: readonly string[];
  /** The sources of its bars. */
  readonly sources: readonly string[];
}

/** One strategy's account in one instrument. */
export interface SymbolAccount {
  readonly symbol: string;
  /** The source of the closes that mark it; null where nothing does. */
  readonly markedBy: string | null;
  /** The sources that its executions name. */
  readonly pricedBy: readonly string[];
  /** The sources of the bars there are. */
  readonly sources: readonly string[];
  readonly account: Account;
}

interface StrategyAccounts {
  /** Null are decisions that name no strategy. */
  readonly strategyId: string | null;
  readonly accounts: readonly SymbolAccount[];
}

/**
 * The accounts of a scope, by the books that make the rows of strategy_performance. A window without an end goes up to
 * the latest execution or close there is.
 */
export async function readAccounts(connection: Connection, scope: Scope, bars: ToldBars): Promise<StrategyAccounts[]> {
  const fills = await executedFills(connection, scope);
  const symbols = [...new Set(fills.map(({ symbolId }) => symbolId))];
  const closes = await dayLastBars(connection, scope, symbols, bars.interval);
  const closesOf = Map.groupBy(closes, ({ symbolId }) => symbolId);
  const books = [...Map.groupBy(fills, ({ strategyId, symbolId }) => `${strategyId} ${symbolId}`).values()].map(
    (own) => {
      const { strategyId, symbolId, symbol } = own[0]!;
      const instrument = new Instrument(bars.source);
      const marks = closesOf.get(symbolId) ?? [];
      for (const { id, ...fill } of own) {
        instrument.decide(fill.decision, fill);
        instrument.fill(id, fill);
      }
      for (const bar of marks) instrument.close(bar);
      return {
        strategyId,
        symbol,
        sources: [...new Set(marks.map(({ source }) => source))].sort(),
        history: instrument.history()!,
      };
    },
  );
  const window = windowOf(
    scope,
    books.map(({ history }) => history),
  );
  return [...Map.groupBy(books, ({ strategyId }) => strategyId)].map(([strategyId, own]) => ({
    strategyId,
    accounts: own
      .map(({ symbol, sources, history }) => ({
        symbol,
        sources,
        markedBy: history.markedBy,
        pricedBy: history.pricedBy,
        account: history.account(window),
      }))
      .sort((a, b) => (a.symbol < b.symbol ? -1 : 1)),
  }));
}

function windowOf({ since, until }: Scope, histories: readonly TradeHistory[]): Window {
  const latestUs = Math.max(...histories.map((history) => history.latestUs));
  return {
    startUs: since === null ? Number.NEGATIVE_INFINITY : Date.parse(since) * 1000,
    endUs: until === null ? latestUs + 1 : Date.parse(until) * 1000,
  };
}

/** The instruments of which a figure isn't known. @param isKnown whether all figures are that are told of an account */
export function undecidedOf(
  strategies: readonly StrategyAccounts[],
  isKnown: (account: Account) => boolean,
): Undecided[] {
  const undecided = strategies
    .flatMap(({ accounts }) => accounts)
    .filter(({ account }) => !isKnown(account))
    .map(({ account: _none, ...why }) => why);
  // Strategies whose executions name the same sources are in the same case.
  return [...new Map(undecided.map((one) => [JSON.stringify(one), one])).values()];
}
