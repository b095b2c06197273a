import type { Connection } from "../../../src/table/connection.ts";
import { EVERY_SESSION_KIND, idOf, NOON, SYMBOL_ID } from "../../support/samples.ts";
import {
  bar,
  DECISION_KNOWN,
  iso,
  MINUTE,
  type Moment,
  named,
  PLANTED,
  PREDICTION_KNOWN,
  type Row,
  type SessionKind,
  sessionOf,
} from "./planted-leaks.ts";

/** A decision to be planted: which one, in which session, how far off. */
export interface Plant {
  readonly n: number;
  readonly name: string;
  readonly session: SessionKind;
  readonly by: number;
}

export const decisionOf = ({ n }: Plant) => idOf(`look-ahead ${n} decision`);

function rowsOf({ n, name, session, by }: Plant): [table: string, row: Row][] {
  const at: Moment = { us: NOON + n * 7 * MINUTE, id: (what) => idOf(`look-ahead ${n} ${what}`) };
  const story = PLANTED[name]!.rows(at, by);
  const { us, id } = at;
  const landed = { landed_at: iso(us), source_partition: 0, source_offset: n };
  const common = { symbol_id: SYMBOL_ID, timestamp: iso(us), backtest_session_id: sessionOf(session), ...landed };
  const prediction: [string, Row] = [
    "model_prediction",
    {
      ...{
        ...common,
        prediction_id: id("prediction"),
        model_version: "sample",
        inputs: story.predictionInputs ?? null,
      },
      ...{ published_at: iso(us + PREDICTION_KNOWN), ...story.prediction },
    },
  ];
  const inputs = story.inputs === undefined ? named(at, "bar") : story.inputs;
  const decision: Row = {
    ...{ ...common, decision_id: id("decision"), action: "BUY", size: 1, approved: true, inputs },
    ...{ model_reference: story.prediction === null ? null : id("prediction") },
    ...{ published_at: iso(us + DECISION_KNOWN), ...story.decision },
  };
  const fill: Row = {
    ...{ ...common, execution_id: id("fill"), decision_id: id("decision"), executed_price: 101, quantity: 1 },
    ...{
      status: "FILLED",
      broker: "sample",
      priced_at: iso(us),
      published_at: iso(us + DECISION_KNOWN),
      ...story.fill,
    },
  };
  return [
    ["market_data_bar", bar(at, story.bar)],
    ...(story.more ?? []).map(([table, row]): [string, Row] => [table, row]),
    ...(story.prediction === null ? [] : [prediction]),
    ["trade_decision", decision],
    ["trade_execution", fill],
  ];
}

/** In the order of their keys. */
const TABLES = [
  ...["market_data_bar", "market_data_bar_revision", "technical_indicator", "quote", "market_data_tick"],
  ...["model_prediction", "trade_decision", "trade_execution"],
];

/** Puts them into a migrated database, with the sessions and days that they need. */
export async function plant(connection: Connection, plants: readonly Plant[]): Promise<void> {
  await connection.run(
    `INSERT INTO public.symbol (symbol_id, ticker, asset_type, is_active, revised_at)
     VALUES ($1, 'IBM', 'equity', true, now()) ON CONFLICT DO NOTHING`,
    [SYMBOL_ID],
  );
  for (const kind of EVERY_SESSION_KIND) {
    await connection.run(
      `INSERT INTO public.backtest_session (backtest_session_id, kind, status, revised_at)
       VALUES ($1, $2, 'running', now()) ON CONFLICT DO NOTHING`,
      [sessionOf(kind), kind],
    );
  }
  for (let first = 0; first < plants.length; first += 10_000) {
    const rows = Map.groupBy(plants.slice(first, first + 10_000).flatMap(rowsOf), ([table]) => table);
    for (const table of TABLES) {
      const own = (rows.get(table) ?? []).map(([, row]) => row);
      if (table === "market_data_tick" || table === "quote") {
        await connection.run(
          `SELECT tradetape.make_day($1, d::date) FROM (SELECT DISTINCT left(r ->> 'timestamp', 10) AS d
           FROM jsonb_array_elements($2::jsonb) r) days`,
          [table, JSON.stringify(own)],
        );
      }
      await connection.run(
        `INSERT INTO public.${table} SELECT * FROM jsonb_populate_recordset(NULL::public.${table}, $1)`,
        [JSON.stringify(own)],
      );
    }
  }
}
