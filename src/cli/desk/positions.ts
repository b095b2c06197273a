import { isoMicros } from "../../audit/entry.ts";
import { readAccounts, type SymbolAccount, undecidedOf } from "../../desk/accounts.ts";
import type { CommandSpec } from "../command.ts";
import { EXIT } from "../exit.ts";
import { money, printable, table } from "../output.ts";
import { asReader } from "../services.ts";
import { declareBars, declareScope, type PriceFlags, readScope, type ScopeFlags, toldBars } from "./desk-flags.ts";
import { nothing, shortId, undecidedText } from "./desk-text.ts";

interface Position {
  readonly strategyId: string | null;
  readonly symbol: string;
  /** A short one is below 0. */
  readonly position: number | null;
  readonly averagePrice: number | null;
  readonly mark: number | null;
  /** ISO 8601: the end of the bar whose close is the mark. */
  readonly markedAt: string | null;
  readonly markedBy: string | null;
  readonly value: number | null;
  readonly unrealised: number | null;
  /** After fees. */
  readonly realised: number;
  readonly fees: number;
  readonly pnl: number | null;
}

export const positionsCommand: CommandSpec<ScopeFlags & PriceFlags> = {
  name: "positions",
  summary: "what is held of each instrument and what it made: average price, mark, realised and unrealised",
  examples: [
    "tradetape desk positions                                live, marked by the last daily closes",
    "tradetape desk positions --session 0198c5a4-... --until 2020-04-01    as they were then",
  ],
  declare: (command) => {
    declareScope(command, "strategy");
    declareBars(command, "whose closes mark positions");
  },
  run: async ({ config, out }, _args, flags) => {
    const bars = toldBars(flags);
    const { scope, strategies } = await asReader(config, "desk", async (connection) => {
      const scope = await readScope(connection, flags);
      return { scope, strategies: await readAccounts(connection, scope, bars) };
    });
    const positions = strategies.flatMap(({ strategyId, accounts }) =>
      accounts.map((one) => positionOf(strategyId, one)),
    );
    const undecided = undecidedOf(strategies, ({ pnl }) => pnl !== null);
    out.result({ positions, undecided }, () => {
      if (positions.length === 0) return nothing("executions", scope.session);
      return [positionsText(positions), ...undecidedText(undecided, bars.interval)].join("\n");
    });
    return EXIT.good;
  },
};

function positionOf(strategyId: string | null, { symbol, markedBy, account }: SymbolAccount): Position {
  const { position, averagePrice, mark, unrealised, realised, fees, pnl } = account;
  return {
    ...{ strategyId, symbol, position, averagePrice },
    mark: mark?.price ?? null,
    markedAt: mark === null ? null : isoMicros(mark.endUs),
    markedBy,
    value: position === null || mark === null ? null : position * mark.price,
    ...{ unrealised, realised, fees, pnl },
  };
}

const HEAD = ["strategy", "symbol", "position", "average", "mark", "marked at", "value"];

function positionsText(positions: readonly Position[]): string {
  const rows = positions.map((p) => [
    shortId(p.strategyId),
    printable(p.symbol),
    ...[p.position, p.averagePrice, p.mark].map(money),
    p.markedAt,
    ...[p.value, p.unrealised, p.realised, p.fees, p.pnl].map(money),
  ]);
  return table([...HEAD, "unrealised", "realised", "fees", "pnl"], rows);
}
