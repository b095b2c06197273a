import { METRICS } from "../../src/metrics/declared.ts";
import { cell, code, table } from "./markdown.ts";

/** Every metric, as it is declared. */
export const metricsTable = (): string =>
  table(
    ["metric", "kind", "labels", "unit", "of", "meaning"],
    Object.entries(METRICS).map(([name, { kind, labels, unit, of, help }]) => [
      code(name),
      cell(kind),
      cell(labels.map(code).join(", ")),
      cell(unit),
      cell(of),
      cell(help),
    ]),
  );
