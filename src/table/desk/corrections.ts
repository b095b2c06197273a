import type { Connection } from "../connection.ts";
import { barEnd } from "../sql.ts";
import { inScope, type Scope, scopeValues } from "./scope.ts";

/** What was told anew of one series after it had been known. */
export interface Corrections {
  readonly kind: "bars" | "indicators";
  readonly symbol: string;
  /** A bar's length, or the indicator's name. */
  readonly name: string;
  /** A bar's source, or who computed the indicator. */
  readonly source: string;
  /** Rows that were corrected, and how often all of them. */
  readonly rows: number;
  readonly corrections: number;
  /** Of closes, or of the indicator's values, as shares of the earlier one. */
  readonly meanChange: number | null;
  readonly maxChange: number | null;
  /** From a bar's end, or an indicator's time, to the correction, in seconds: of half of them it was longer. */
  readonly medianAfterS: number;
}

/** Where a kind's contents are, under the names that they have here. */
interface Contents {
  readonly kind: Corrections["kind"];
  readonly table: string;
  readonly id: string;
  readonly name: string;
  readonly source: string;
  readonly value: string;
  /** When a row was complete. */
  readonly valid: string;
}

const CONTENTS: readonly Contents[] = [
  {
    ...{
      kind: "bars",
      table: "market_data_bar",
      id: "market_data_id",
      name: '"interval"',
      source: "source",
      value: "close",
    },
    valid: barEnd("m"),
  },
  {
    ...{
      kind: "indicators",
      table: "technical_indicator",
      id: "indicator_id",
      name: "indicator_name",
      source: "computed_by",
    },
    ...{ value: "indicator_value", valid: 'm."timestamp"' },
  },
];

/** Contents that were replaced, each beside what replaced it. */
function replaced({ kind, table, id, name, source, value, valid }: Contents): string {
  const columns = `m.symbol_id, m.${id} AS id, m.${name} AS name, m.${source} AS source, m.${value} AS value`;
  const revisions = `public.${table}_revision m WHERE ${inScope("m", [`m.${source}`, "text"])}`;
  return `
  SELECT '${kind}' AS kind, symbol_id, name, source, id, valid, value, known_to,
    lead(value) OVER (PARTITION BY id ORDER BY known_to) AS later
  FROM (
    SELECT ${columns}, ${valid} AS valid, m.known_to FROM ${revisions}
    UNION ALL
    SELECT ${columns}, NULL, 'infinity' FROM public.${table} m
    WHERE (m.symbol_id, m."timestamp", m.${id}) IN (SELECT m.symbol_id, m."timestamp", m.${id} FROM ${revisions})
  ) told`;
}

/** By the tables that keep what revisions replace. */
export function corrections(connection: Connection, scope: Scope): Promise<Corrections[]> {
  return connection.query<Corrections & Record<string, unknown>>(
    `WITH replaced AS (
       ${CONTENTS.map(replaced).join(" UNION ALL ")}
     )
     SELECT kind, s.ticker AS symbol, name, source, count(DISTINCT id) AS rows, count(*) AS corrections,
       avg(abs(later - value) / nullif(abs(value), 0)) AS "meanChange",
       max(abs(later - value) / nullif(abs(value), 0)) AS "maxChange",
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM known_to - valid)::float8) AS "medianAfterS"
     FROM replaced JOIN public.symbol s USING (symbol_id) WHERE isfinite(known_to) GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4`,
    scopeValues(scope),
  );
}
