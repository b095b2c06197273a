import { TradetapeError } from "../../errors.ts";
import { type Day, isoDate } from "../../event/day.ts";
import type { Connection } from "../connection.ts";
import { faultKindOf, isDatabaseFault } from "../sqlstate.ts";

/**
 * Makes a table's partitions of these days, where they aren't there; on a session that holds no other lock.
 * @returns which of them are before the first day that is kept: they have no partition, and never will have
 */
export async function makeDays(connection: Connection, table: string, days: readonly Day[]): Promise<readonly Day[]> {
  const past: Day[] = [];
  for (const day of days) {
    const [row] = await connection.query<{ made: boolean | null }>("SELECT tradetape.make_day($1, $2::date) AS made", [
      table,
      isoDate(day),
    ]);
    if (row?.made === null) past.push(day);
  }
  return past;
}

/** How long a rehearsal waits for a lock: whoever holds one only looks at the table, or is changing it. */
const REHEARSAL_LOCK_MS = 1000;

/**
 * Makes a table's next new day partition and takes it back, so that what somebody has changed in the table shows at a start
 * and not at midnight. A lock in the way, or a server that takes no writes now, says nothing about the table.
 * @throws TradetapeError catalog_mismatch
 */
export async function rehearseDay(connection: Connection, table: string): Promise<void> {
  await connection.query("BEGIN");
  try {
    await connection.query(`SET LOCAL lock_timeout = ${REHEARSAL_LOCK_MS}`);
    await connection.query(
      `SELECT tradetape.make_day($1, day::date) FROM (
         SELECT min(day) AS day FROM generate_series(current_date + 1, current_date + 366, '1 day') AS day
         WHERE to_regclass(format('public.%I', $1 || '_' || to_char(day, 'YYYYMMDD'))) IS NULL
       ) next`,
      [table],
    );
  } catch (error) {
    if (!isDatabaseFault(error)) throw error;
    if (faultKindOf(error) === "environment") return;
    throw new TradetapeError("catalog_mismatch", `${table}: a new day's partition is refused: ${error.message}`, {
      cause: error,
      next: "Take back what was changed in the table, or in its partitions, by hand: at midnight its landing would stop.",
    });
  } finally {
    if (connection.isOpen) await connection.query("ROLLBACK");
  }
}
