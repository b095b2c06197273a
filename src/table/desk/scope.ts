/** Whose rows a desk asks about, and of which time. */
export interface Scope {
  /** Null is live trading. */
  readonly session: string | null;
  /** A strategy's id, or a model's version where predictions are asked about; null is all. */
  readonly owner: string | null;
  /** Null is all. */
  readonly symbols: readonly string[] | null;
  /** ISO 8601; null is from the beginning. */
  readonly since: string | null;
  /** ISO 8601, the first moment that is left out; null is up to the end. */
  readonly until: string | null;
}

/** $1 to $5 of the statements that `inScope` is part of. */
export const scopeValues = ({ session, owner, symbols, since, until }: Scope): readonly unknown[] => [
  session,
  owner,
  symbols,
  since,
  until,
];

/**
 * The condition that a row is asked about. A value that is null falls out as PostgreSQL plans the statement, since it
 * knows the values then.
 * @param owner the expression, and its type, of whose row it is
 */
export function inScope(alias: string, owner: readonly [expression: string, type: "uuid" | "text"]): string {
  const [expression, type] = owner;
  return `${ofSession(alias)} AND ($2::${type} IS NULL OR ${expression} = $2)
    AND ($3::uuid[] IS NULL OR ${alias}.symbol_id = ANY ($3))
    AND ($4::timestamptz IS NULL OR ${alias}."timestamp" >= $4) AND ($5::timestamptz IS NULL OR ${alias}."timestamp" < $5)`;
}

/** That a row is of the session that is asked about. */
const ofSession = (alias: string): string =>
  `(${alias}.backtest_session_id = $1 OR ($1::uuid IS NULL AND ${alias}.backtest_session_id IS NULL))`;

/** That a bar may be looked at: one of the session's own, or live. */
export const openToSession = (alias: string): string =>
  `(${alias}.backtest_session_id IS NULL OR ${alias}.backtest_session_id = $1)`;

/** Microseconds since 1970 of a column. */
export const epochMicros = (column: string): string => `(extract(epoch FROM ${column}) * 1000000)::bigint`;

/** Symbols by their ticker or their id, as a person names them. */
export const SYMBOLS_NAMED =
  "SELECT symbol_id AS id FROM public.symbol WHERE ticker = $1 OR symbol_id::text = lower($1)";
