import type { Connection } from "../connection.ts";
import { epochMicros, SYMBOLS_NAMED } from "./scope.ts";

/** An instrument as a person finds it. */
interface FoundSymbol {
  readonly id: string;
  readonly ticker: string;
  readonly exchange: string | null;
  readonly assetType: string;
}

const SYMBOLS_MAX = 200;
const FOUND = 'symbol_id AS id, ticker, exchange, asset_type AS "assetType"';

/** Those whose ticker begins so, in any case. @param begin empty finds the first of all */
export function findSymbols(connection: Connection, begin: string): Promise<FoundSymbol[]> {
  return connection.query<FoundSymbol & Record<string, unknown>>(
    `SELECT ${FOUND} FROM public.symbol WHERE starts_with(upper(ticker), upper($1))
     ORDER BY ticker, exchange LIMIT ${SYMBOLS_MAX}`,
    [begin],
  );
}

/** Those of a ticker, or the one of an id. */
export function symbolsNamed(connection: Connection, name: string): Promise<FoundSymbol[]> {
  return connection.query<FoundSymbol & Record<string, unknown>>(
    `SELECT ${FOUND} FROM public.symbol WHERE symbol_id IN (${SYMBOLS_NAMED}) ORDER BY exchange LIMIT ${SYMBOLS_MAX}`,
    [name],
  );
}

/** A session in which something was decided or predicted of an instrument. */
interface SessionOfSymbol {
  readonly id: string;
  readonly kind: string;
  readonly name: string | null;
}

const SESSIONS_MAX = 100;
const HAS_ROW = (table: string) =>
  `EXISTS (SELECT FROM public.${table} m WHERE m.backtest_session_id = s.backtest_session_id AND m.symbol_id = $1)`;

/** The latest first. */
export function sessionsOfSymbol(connection: Connection, symbolId: string): Promise<SessionOfSymbol[]> {
  return connection.query<SessionOfSymbol & Record<string, unknown>>(
    `SELECT backtest_session_id AS id, kind, name FROM public.backtest_session s
     WHERE ${HAS_ROW("trade_decision")} OR ${HAS_ROW("model_prediction")}
     ORDER BY started_at DESC NULLS LAST, 1 LIMIT ${SESSIONS_MAX}`,
    [symbolId],
  );
}

/** What was predicted, decided or executed of an instrument. */
interface Mark {
  readonly kind: "prediction" | "decision" | "fill";
  readonly id: string;
  /** Microseconds since 1970. */
  readonly at: number;
  /** What was decided; of a fill what its decision was. */
  readonly action: "BUY" | "SELL" | "HOLD" | null;
  /** Whether a decision was approved, and a fill executed. */
  readonly isDone: boolean | null;
  /** A decision's or fill's quantity. */
  readonly size: number | null;
  /** What was predicted, seen or paid. */
  readonly price: number | null;
  /** What is said of it: a model's version and probability, a reason, a broker's status. */
  readonly what: string;
}

interface MarkWindow {
  readonly symbolId: string;
  /** Null is live trading. */
  readonly sessionId: string | null;
  /** ISO 8601. */
  readonly since: string;
  /** ISO 8601, not counted in. */
  readonly until: string;
}

/** Of each kind; of more there are those that are the latest. */
const MARKS_MAX = 500;

const IN_WINDOW = `m.symbol_id = $1 AND m."timestamp" >= $3 AND m."timestamp" < $4
  AND (m.backtest_session_id = $2 OR ($2::uuid IS NULL AND m.backtest_session_id IS NULL))`;

const MARKS = [
  `SELECT 'prediction' AS kind, prediction_id AS id, m."timestamp", NULL AS action, NULL::boolean AS "isDone",
     NULL::float8 AS size, predicted_price AS price,
     concat_ws(', ', model_version, 'up ' || probability_up, 'horizon ' || horizon) AS what
   FROM public.model_prediction m`,
  `SELECT 'decision', decision_id, m."timestamp", action, approved, size, decision_price, coalesce(reason, '')
   FROM public.trade_decision m`,
  `SELECT 'fill', execution_id, m."timestamp", d.action, m.status = 'FILLED', quantity, executed_price,
     concat_ws(', ', m.status, m.broker)
   FROM public.trade_execution m LEFT JOIN public.trade_decision d USING (decision_id)`,
].map((select) => `(${select} WHERE ${IN_WINDOW} ORDER BY m."timestamp" DESC LIMIT ${MARKS_MAX})`);

/** In the order of time. */
export function readMarks(connection: Connection, { symbolId, sessionId, since, until }: MarkWindow): Promise<Mark[]> {
  return connection.query<Mark & Record<string, unknown>>(
    `SELECT kind, id, ${epochMicros('"timestamp"')} AS at, action, "isDone", size, price, what
     FROM (${MARKS.join(" UNION ALL ")}) m ORDER BY m."timestamp", kind, id`,
    [symbolId, sessionId, since, until],
  );
}
