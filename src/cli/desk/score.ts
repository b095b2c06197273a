import { Option } from "commander";
import {
  type Drift,
  drift,
  type ModelScore,
  modelScores,
  PERIODS,
  type Period,
  type ReliabilityBin,
  reliability,
} from "../../table/desk/score.ts";
import type { CommandSpec } from "../command.ts";
import { EXIT } from "../exit.ts";
import { wholeFlag } from "../flags.ts";
import { figure, printable, table } from "../output.ts";
import { asReader } from "../services.ts";
import { declareScope, readScope, type ScopeFlags } from "./desk-flags.ts";
import { nothing } from "./desk-text.ts";

interface ScoreFlags extends ScopeFlags {
  readonly bins: string;
  readonly by: Period;
}

export const scoreCommand: CommandSpec<ScoreFlags> = {
  name: "score",
  summary:
    "how good models' probabilities were: Brier score, log loss, reliability, drift; of what `run outcomes` judged",
  examples: [
    "tradetape score --session 0198c5a4-...",
    "tradetape score --model trend-logit-1 --symbol IBM --by month --json",
  ],
  declare: (command) => {
    declareScope(command, "model");
    command.option("--bins <count>", "how many bins of probability reliability is told by", "10");
    command.addOption(
      new Option("--by <period>", "the periods, in UTC, that drift is told by").choices(PERIODS).default("year"),
    );
  },
  run: async ({ config, out }, _args, flags) => {
    const bins = wholeFlag("--bins", flags.bins, 1)!;
    const found = await asReader(config, "score", async (connection) => {
      const scope = await readScope(connection, flags);
      return {
        session: scope.session,
        models: await modelScores(connection, scope),
        reliability: await reliability(connection, scope, bins),
        drift: await drift(connection, scope, flags.by),
      };
    });
    out.result(found, () =>
      found.models.length === 0
        ? nothing("outcomes of predictions that gave a probability", found.session)
        : [modelsText(found.models), binsText(found.reliability), driftText(found.drift)].join("\n\n"),
    );
    return EXIT.good;
  },
};

function modelsText(rows: readonly ModelScore[]): string {
  return table(
    ["model", "judged by", "symbol", "predictions", "mean", "rose", "Brier", "skill", "log loss", "right", "spread"],
    rows.map(({ model, judgedBy, symbol, predictions, ...of }) => [
      ...[printable(model), printable(judgedBy), symbol === null ? "all" : printable(symbol), predictions],
      ...[of.mean, of.rose, of.brier, of.skill, of.logLoss, of.right, of.spread].map((value) => figure(value)),
    ]),
  );
}

function binsText(rows: readonly ReliabilityBin[]): string {
  return table(
    ["model", "judged by", "from", "to", "predictions", "mean", "rose"],
    rows.map(({ model, judgedBy, from, to, predictions, mean, rose }) => [
      ...[
        printable(model),
        printable(judgedBy),
        figure(from, 2),
        figure(to, 2),
        predictions,
        figure(mean),
        figure(rose),
      ],
    ]),
  );
}

function driftText(rows: readonly Drift[]): string {
  return table(
    ["model", "judged by", "symbol", "since", "predictions", "mean", "rose", "Brier", "log loss", "change", "z"],
    rows.map(({ model, judgedBy, symbol, since, predictions, ...of }) => [
      ...[printable(model), printable(judgedBy), printable(symbol), since.slice(0, 10), predictions],
      ...[of.mean, of.rose, of.brier, of.logLoss, of.change].map((value) => figure(value)),
      figure(of.z, 1),
    ]),
  );
}
