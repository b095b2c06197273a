import type { Command } from "commander";
import { type HitBin, hitBins, type PriceErrors, priceErrors } from "../../table/desk/predictions.ts";
import type { CommandSpec } from "../command.ts";
import { EXIT } from "../exit.ts";
import { wholeFlag } from "../flags.ts";
import { figure, money, printable, table } from "../output.ts";
import { asReader } from "../services.ts";
import { declareBars, declareScope, type PriceFlags, readScope, type ScopeFlags, toldBars } from "./desk-flags.ts";
import { nothing } from "./desk-text.ts";

type AheadFlags = ScopeFlags & PriceFlags & { readonly after: string };

/** What predictions are held against: so many bars of a length further. */
function declareAhead(command: Command): void {
  declareScope(command, "model");
  declareBars(command, "whose closes tell what happened");
  command.option("--after <bars>", "how many bars after the prediction's time is looked", "1");
}

const aheadBars = (flags: AheadFlags) => ({ ...toldBars(flags), after: wholeFlag("--after", flags.after, 1)! });

export const hitRateCommand: CommandSpec<AheadFlags> = {
  name: "hit-rate",
  summary: "how often predictions came true, by their probability of a rise and by the model's confidence",
  examples: [
    "tradetape desk hit-rate --model trend-logit-1 --session 0198c5a4-...",
    "tradetape desk hit-rate --after 5",
  ],
  declare: declareAhead,
  run: async ({ config, out }, _args, flags) => {
    const bars = aheadBars(flags);
    const { scope, bins } = await asReader(config, "desk", async (connection) => {
      const scope = await readScope(connection, flags);
      return { scope, bins: await hitBins(connection, scope, bars) };
    });
    out.result({ interval: bars.interval, after: bars.after, bins }, () =>
      bins.length === 0 ? nothing("predictions of a probability", scope.session) : binsText(bins),
    );
    return EXIT.good;
  },
};

function binsText(bins: readonly HitBin[]): string {
  const rows = bins.map(({ by, model, source, from, predictions, judged, mean, rose, hit }) => [
    ...[printable(model), source === null ? null : printable(source), by],
    ...[`${from.toFixed(1)}-${(from + 0.1).toFixed(1)}`, predictions, judged],
    ...[mean, rose, hit].map((share) => figure(share, 3)),
    rose === null ? null : dots(rose),
  ]);
  const head = ["model", "source", "by", "from-to", "predictions", "judged", "mean", "rose", "right", "rose, 0 to 1"];
  return table(head, rows);
}

/** A share on a scale of twenty. */
const dots = (share: number): string => `${"·".repeat(Math.round(share * 20))}●`.padEnd(21, "·");

export const predictionErrorCommand: CommandSpec<AheadFlags> = {
  name: "prediction-error",
  summary: "how far predicted prices were off, beside the naive forecast that the price stays",
  examples: [
    "tradetape desk prediction-error --session 0198c5a4-...",
    "tradetape desk prediction-error --after 5 --symbol IBM",
  ],
  declare: declareAhead,
  run: async ({ config, out }, _args, flags) => {
    const bars = aheadBars(flags);
    const { scope, errors } = await asReader(config, "desk", async (connection) => {
      const scope = await readScope(connection, flags);
      return { scope, errors: await priceErrors(connection, scope, bars) };
    });
    out.result({ interval: bars.interval, after: bars.after, errors }, () =>
      errors.length === 0 ? nothing("predicted prices", scope.session) : errorsText(errors),
    );
    return EXIT.good;
  },
};

function errorsText(errors: readonly PriceErrors[]): string {
  const rows = errors.map((e) => [
    ...[printable(e.model), printable(e.symbol), e.source === null ? null : printable(e.source)],
    ...[e.predictions, e.judged],
    ...[e.bias, e.mae, e.rmse].map((value) => money(value)),
    figure(e.mape),
    ...[e.naiveMae, e.naiveRmse].map((value) => money(value)),
  ]);
  const head = [
    "model",
    "symbol",
    "source",
    "predictions",
    "judged",
    "bias",
    "mean abs",
    "rms",
    "of price",
    "naive abs",
    "naive rms",
  ];
  return table(head, rows);
}
