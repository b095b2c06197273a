import { hasSessions, type LandingTable } from "../rows/landing-table.ts";
import { equal, lookup, OFFSET_COLUMN, quoted } from "../sql.ts";

/**
 * SQL that finds strangers: staged rows whose id is another session's; undefined for a table whose rows no repeat changes.
 * An id belongs to the session of its row, or else of the first event that brings it. A revision from another session would
 * carry the row over: a backtest's bar would become a live one, or a live one go when the backtest is deleted.
 */
export function strangersStatement(table: LandingTable): string | undefined {
  if (table.repeats === "first" || !hasSessions(table)) return undefined;
  const on = equal(table.key, "t", "s");
  return `SELECT s.${OFFSET_COLUMN} AS "offset" FROM (
      SELECT *, first_value(backtest_session_id) OVER (PARTITION BY ${table.key.map(quoted).join(", ")}
        ORDER BY ${OFFSET_COLUMN}) AS first FROM ${quoted(`stage_${table.table}`)}) s
    LEFT JOIN ${lookup(table.table, "t.backtest_session_id, true AS there", on)} t ON true
    WHERE s.backtest_session_id IS DISTINCT FROM CASE WHEN t.there THEN t.backtest_session_id ELSE s.first END
    ORDER BY 1`;
}
