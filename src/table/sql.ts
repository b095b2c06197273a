import pg from "pg";

export const quoted = (name: string): string => pg.escapeIdentifier(name);
export const list = (names: readonly string[], prefix = ""): string =>
  names.map((name) => prefix + quoted(name)).join(", ");
export const row = (names: readonly string[], prefix: string): string => `ROW(${list(names, prefix)})`;

/** Whether two rows, by their aliases, have the same values in these columns, none of which is null. */
export const equal = (names: readonly string[], a: string, b: string): string =>
  names.map((name) => `${a}.${quoted(name)} = ${b}.${quoted(name)}`).join(" AND ");

/** The staged column that says which record a row came from. */
export const OFFSET_COLUMN = "landing_offset";

export const literal = (text: string): string => pg.escapeLiteral(text);

/**
 * At most one row of a table per staged row, by its index. LIMIT keeps the planner from joining instead: of a table
 * that was filled a minute ago and not yet analyzed it reads the whole for every batch (measured: 3 s, not 40 ms).
 */
export const lookup = (table: string, what: string, where: string, lock: "" | "FOR UPDATE" = ""): string =>
  `LATERAL (SELECT ${what} FROM public.${quoted(table)} t WHERE ${where} LIMIT 1 ${lock})`;

/** ISO 8601 in UTC, to the microsecond, as an entry's payload has a time too. */
export const isoOf = (time: string): string => `to_char(${time} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

/**
 * When a bar ended, not counted in: what it says itself, else its start and its length in UTC. Null of a length that nobody
 * knows.
 */
export const barEnd = (alias: string): string =>
  `coalesce(${alias}.ends_at, tradetape.bar_end(${alias}."timestamp", ${alias}."interval"))`;
