import { Option } from "commander";
import type { CommandSpec } from "../command.ts";
import { EXIT } from "../exit.ts";
import { money, table } from "../output.ts";
import { declareBars, declareScope, type PriceFlags, type ScopeFlags } from "./desk-flags.ts";
import { shortId } from "./desk-text.ts";
import { MONEY_PERIODS, type MoneyPeriod, periodsOf, readPortfolios } from "./portfolios.ts";

type PeriodFlags = ScopeFlags & PriceFlags & { readonly by: MoneyPeriod };

const declarePeriods: CommandSpec<PeriodFlags>["declare"] = (command) => {
  declareScope(command, "strategy");
  declareBars(command, "whose closes mark positions");
  command.addOption(new Option("--by <period>", "of UTC").choices(MONEY_PERIODS).default("day"));
};

export const pnlCommand: CommandSpec<PeriodFlags> = {
  name: "pnl",
  summary: "what each day, month or year made, marked at its last close: realised after fees, and unrealised",
  examples: ["tradetape desk pnl --since 7d", "tradetape desk pnl --by month --symbol IBM"],
  declare: declarePeriods,
  run: async (session, _args, flags) => {
    const { portfolios, undecided, text } = await readPortfolios(session, flags);
    const periods = portfolios.flatMap((one) => periodsOf(one, flags.by));
    session.out.result({ periods, undecided }, () => {
      const rows = periods.map(({ strategyId, period, pnl, realised, unrealised, fees }) => [
        ...[shortId(strategyId), period],
        ...[pnl, realised, unrealised, fees].map(money),
      ]);
      return text(() => table(["strategy", flags.by, "pnl", "realised", "unrealised", "fees"], rows));
    });
    return EXIT.good;
  },
};

export const exposureCommand: CommandSpec<PeriodFlags> = {
  name: "exposure",
  summary: "what was held at the last close of each day, month or year, as money: gross, and long less short",
  examples: ["tradetape desk exposure --since 7d", "tradetape desk positions   of each instrument now"],
  declare: declarePeriods,
  run: async (session, _args, flags) => {
    const { portfolios, undecided, text } = await readPortfolios(session, flags);
    const periods = portfolios.flatMap((one) => periodsOf(one, flags.by));
    session.out.result({ periods, undecided }, () => {
      const rows = periods.map(({ strategyId, period, gross, net }) => [
        ...[shortId(strategyId), period],
        ...(gross === null || net === null
          ? [null, null, null, null]
          : [gross, (gross + net) / 2, (gross - net) / 2, net]
        ).map(money),
      ]);
      return text(() => table(["strategy", flags.by, "gross", "long", "short", "net"], rows));
    });
    return EXIT.good;
  },
};
