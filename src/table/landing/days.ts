import { type Day, isoDate } from "../../event/day.ts";
import type { Connection } from "../connection.ts";

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
