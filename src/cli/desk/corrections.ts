import { type Corrections, corrections } from "../../table/desk/corrections.ts";
import type { CommandSpec } from "../command.ts";
import { EXIT } from "../exit.ts";
import { figure, printable, table } from "../output.ts";
import { asReader } from "../services.ts";
import { type DataFlags, declareData, ofSource } from "./data.ts";
import { readScope } from "./desk-flags.ts";
import { nothing } from "./desk-text.ts";

export const correctionsCommand: CommandSpec<DataFlags> = {
  name: "corrections",
  summary: "bars and indicators that were told anew after they had been known: how often, by how much, how much later",
  examples: [
    "tradetape desk corrections --since 30d",
    "tradetape dead-letters list --reason conflicting_duplicate    ticks and quotes told anew: their first content stays",
  ],
  declare: declareData,
  run: async ({ config, out }, _args, flags) => {
    const { scope, series } = await asReader(config, "desk", async (connection) => {
      const scope = ofSource(await readScope(connection, flags), flags);
      return { scope, series: await corrections(connection, scope) };
    });
    out.result({ series }, () =>
      series.length === 0 ? nothing("corrections", scope.session) : correctionsText(series),
    );
    return EXIT.good;
  },
};

function correctionsText(series: readonly Corrections[]): string {
  const rows = series.map((s) => [
    ...[s.kind, printable(s.symbol), printable(s.name), printable(s.source), s.rows, s.corrections],
    ...[s.meanChange, s.maxChange, s.medianAfterS].map((value) => figure(value)),
  ]);
  return table(["kind", "symbol", "name", "source", "rows", "corrections", "mean change", "largest", "after, s"], rows);
}
